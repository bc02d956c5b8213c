import {
  chosenAlternative,
  type Rates,
  type TierDecision,
  type TierFacts,
  type TierMove,
  type TierMoveReason,
  warms,
} from '../placement/index.ts';
import { Usd } from '../shared/units.ts';

/** A plan moves what was shown, within its own limits; of a sweep, these wait for no budget. */
const WAYS_HOME: ReadonlySet<string> = new Set<TierMoveReason>(['fees-exceed-move', 'risk-ended']);

export function isWayHome(decision: TierDecision): boolean {
  return WAYS_HOME.has(decision.reason);
}

/** Whether a learned move that has to end comes home by it. */
export function returns(decision: TierDecision, facts: Pick<TierFacts, 'atRisk'>): boolean {
  return facts.atRisk !== undefined && isWayHome(decision);
}

/** What a move costs at once: requests, retrieval, a worker's seconds, and what the class left behind still charges. */
export function moveUsd(decision: TierMove): number {
  const chosen = chosenAlternative(decision);
  return (chosen?.moveUsd ?? 0) + (chosen?.earlyDeletionUsd ?? 0);
}

/** What the stages after the analysis have to know of a decision, without deciding again, to see whose turn it is and whether it can be afforded. */
export interface FoundMove {
  readonly warms: boolean;
  /** Undefined where nothing moves. */
  readonly price?: { readonly usd: Usd; readonly home: boolean };
}

export function foundMove(decision: TierDecision, facts: Pick<TierFacts, 'packing'>, rates: Rates): FoundMove {
  if (decision.action === 'keep') return { warms: false };
  const price = { usd: Usd.parse(moveUsd(decision)), home: isWayHome(decision) };
  return { warms: warms(decision, facts, rates), price };
}
