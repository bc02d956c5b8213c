import { type DollarPolicy, predictReads, TIER_RULES, type TierFacts, type TierPolicy } from '../placement/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { EpochMs } from '../shared/units.ts';
import { isIdleArchive, judgeBlob } from './judgeBlob.ts';
import { type FoundMove, foundMove, returns } from './movePrice.ts';
import type { MoveDeps, MoveReason, MoveRun } from './moveRun.ts';

/** What the analysis of a sweep finds out about one blob; reads only. */
export interface BlobAnalysis extends FoundMove {
  readonly reason: MoveReason;
  /** Something was decided that is to be written: a move, a risk, a version that may go. */
  readonly moves: boolean;
  /** It is read daily, or expected to be: hosts that subscribe to it should hold it. */
  readonly place: boolean;
}

export async function analyseBlob(deps: MoveDeps, run: MoveRun, digest: Digest): Promise<BlobAnalysis> {
  const judged = await judgeBlob(deps, run, digest);
  if (typeof judged === 'string') return { reason: judged, moves: false, place: false, warms: false };
  const { decision, expires, facts, risks, wouldPack } = judged;
  const place = isReadDaily(facts, run.policy, run.at);
  const stays = (reason: MoveReason): BlobAnalysis => ({ reason, moves: false, place, warms: false });
  if (isIdleArchive(decision, deps.rates)) return stays('needs-restore');
  if (decision.action !== 'keep' && run.returnsOnly === true && !returns(decision, facts)) return stays('not-in-force');
  const goes = decision.reason === 'expires' && expires?.facts !== undefined;
  const moves = decision.action !== 'keep' || risks.length > 0 || goes;
  const reason = wouldPack && decision.action === 'keep' ? 'would-pack' : decision.reason;
  return { reason, moves, place, ...foundMove(decision, facts, deps.rates) };
}

const MONTH_DAYS = 30;

/** By the forecast where the policy has one, else by the reads of the last 30 days; requirement T4's hot content, but for what is only new. */
function isReadDaily(facts: TierFacts, policy: TierPolicy, now: EpochMs): boolean {
  const { hotPerDay } = policy.kind === 'rules' ? policy : TIER_RULES;
  const monthly = policy.kind === 'dollars' ? expected(facts, policy, now) : facts.accessesLast30Days;
  return monthly / MONTH_DAYS >= hotPerDay;
}

function expected(facts: TierFacts, policy: DollarPolicy, now: EpochMs): number {
  return predictReads(facts, policy, now).next30Days;
}
