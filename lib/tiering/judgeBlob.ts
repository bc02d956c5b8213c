import { type Blob, BlobRow, type Versioned } from '../catalog/index.ts';
import type { BlobExpiry } from '../expiry/index.ts';
import { decideTier, type Rates, type TierDecision, type TierFacts, type TierMoveReason } from '../placement/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import { loadReplicas } from './loadReplicas.ts';
import { loadTierFacts } from './loadTierFacts.ts';
import type { MoveDeps, MoveReason, MoveRun } from './moveRun.ts';
import { riskChanges } from './riskBook.ts';

export interface ExplainedBlob {
  readonly facts: TierFacts;
  readonly decision: TierDecision;
  /** Of the origin. */
  readonly versionId: string;
  /** The version that the lifecycle preset would delete to free the blob. */
  readonly expires: BlobExpiry['of'] | undefined;
}

/** What is decided about one blob now; undefined where the catalog does not know it. */
export async function explainBlob(
  deps: MoveDeps,
  digest: Digest,
  { policy, packs, at }: Pick<MoveRun, 'policy' | 'packs' | 'at'>,
): Promise<ExplainedBlob | undefined> {
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return undefined;
  const replicas = (await loadReplicas(deps.catalog, digest)).map((row) => row.value);
  const loaded = await loadTierFacts(deps.catalog, blob.value, replicas, { policy, packs }, deps.rates, at);
  const { expires, facts } = loaded;
  const { versionId } = blob.value.origin;
  return { facts, versionId, decision: decideTier(facts, policy, deps.rates, at), expires };
}

/** What is decided about a blob of a run before anything of the run itself is looked at. */
export interface JudgedBlob {
  readonly blob: Versioned<Blob>;
  readonly facts: TierFacts;
  readonly decision: TierDecision;
  /** Packing would be decided but for its dry run. */
  readonly wouldPack: boolean;
  /** What changes in the account of what is at risk. */
  readonly risks: readonly Change[];
  readonly expires: BlobExpiry['of'] | undefined;
}

/** Reads only; a reason where nothing can be decided. */
export async function judgeBlob(
  deps: MoveDeps,
  run: MoveRun,
  digest: Digest,
): Promise<JudgedBlob | Extract<MoveReason, 'unknown-blob' | 'transition-under-way'>> {
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return 'unknown-blob';
  const replicas = (await loadReplicas(deps.catalog, digest)).map((row) => row.value);
  if (replicas.some((one) => one.host === undefined && one.state === 'evicting')) return 'transition-under-way';
  const loaded = await loadTierFacts(deps.catalog, blob.value, replicas, run, deps.rates, run.at);
  const { book, expires, bucketDays } = loaded;
  const { decision, facts, wouldPack } = decideWithin(deps, run, loaded.facts);
  const risks =
    book === undefined ? [] : riskChanges(book, blob.value, bucketDays, facts, decision, deps.rates, run.at);
  return { blob, facts, decision, wouldPack, risks, expires };
}

/** What speaks for bringing an archived object back: that it is read, that it is expected to cost less, or that less was promised than it takes. */
const WORTH_A_RESTORE: ReadonlySet<string> = new Set<TierMoveReason>([
  'read-daily',
  'read-weekly',
  'cheaper',
  'risk-ended',
  'promise',
  'restore-too-slow',
]);

/** Whether a move would have to restore what nothing speaks for reading, be it for another archive. */
export function isIdleArchive(decision: TierDecision, rates: Rates): boolean {
  if (decision.action === 'keep' || !decision.needsRestore) return false;
  return !WORTH_A_RESTORE.has(decision.reason) || !rates.of(decision.to).instant;
}

/** Where packing is only tried out, what happens is decided without it. */
function decideWithin(
  { rates }: MoveDeps,
  { at, packs, policy }: MoveRun,
  facts: TierFacts,
): { readonly decision: TierDecision; readonly facts: TierFacts; readonly wouldPack: boolean } {
  const decision = decideTier(facts, policy, rates, at);
  if (decision.action !== 'pack' || packs.mode === 'on') return { decision, facts, wouldPack: false };
  const { packing: _, ...plain } = facts;
  return { decision: decideTier(plain, policy, rates, at), facts: plain, wouldPack: true };
}
