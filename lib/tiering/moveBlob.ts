import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  type Decided,
  expectationOf,
  moveActionId,
  outboxPut,
  recordedInputs,
  RestoreRow,
  SweepRunRow,
  type Versioned,
} from '../catalog/index.ts';
import {
  caughtBy,
  chosenAlternative,
  decideTier,
  type PackReason,
  placesOf,
  type Rates,
  receiptAlternative,
  recordTier,
  type TierDecision,
  type TierFacts,
  type TierKeepReason,
  type TierMove,
  type TierMoveReason,
  type TierPolicy,
} from '../placement/index.ts';
import { type BlobExpiry, foundChanges } from '../expiry/index.ts';
import { restoreForMove } from '../restores/index.ts';
import type { ActionId, CorrelationId, Digest, StorageClass } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { loadTierFacts, type PackSettings } from './loadTierFacts.ts';
import { riskChanges } from './riskBook.ts';
import { reserve, type RunLimits } from './sweepBudget.ts';
import { loadReplicas } from './loadReplicas.ts';

export interface MoveDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly rates: Rates;
}

/** What decides and pays for moves: a scheduled sweep, or a plan that an operator applies. */
export interface MoveRun {
  readonly id: string;
  readonly shard: number;
  readonly limits: RunLimits;
  readonly policy: TierPolicy;
  readonly packs: PackSettings;
  /** The moment that is decided for. */
  readonly at: EpochMs;
  readonly correlationId: CorrelationId;
  /** Only this move, and not of what is in use: a plan is applied as it was shown. */
  readonly only?: ShownMove;
}

/** A move as a plan shows it. */
export interface ShownMove {
  readonly action: TierMove['action'];
  readonly to: StorageClass;
}

export type MoveReason =
  | TierKeepReason
  | TierMoveReason
  | PackReason
  /** It stays as it is, and would be packed but for the dry run of packing. */
  | 'would-pack'
  /** The object is archived: its restore was begun, and it moves when it can be read. */
  | 'restore-begun'
  | 'restore-under-way'
  /** The object is archived and nobody reads it: no fee is paid to have it lie elsewhere. */
  | 'needs-restore'
  /** The copy that an earlier transition left behind is still there, or another run has the blob packed or unpacked just now. */
  | 'transition-under-way'
  /** This run has sent it already. */
  | 'sent-before'
  | 'budget-spent'
  | 'rate-reached'
  /** Something else is decided now than what the plan showed. */
  | 'decided-otherwise'
  /** It was read lately, or is held, and the move would make reads dearer or slower. */
  | 'in-use'
  | 'unknown-blob';

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

/** What speaks for bringing an archived object back: that it is read, that it is expected to cost less, or that less was promised than it takes. */
const WORTH_A_RESTORE: ReadonlySet<string> = new Set<TierMoveReason>([
  'read-daily',
  'read-weekly',
  'cheaper',
  'risk-ended',
  'promise',
  'restore-too-slow',
]);

/** A transition that has not begun by then waits for the next sweep's decision. */
const TRANSITION_TTL_MS = DAY_MS;

/**
 * Decides about one blob on fresh rows, and what follows as one write: the action with its dollars, the message, and the reservation of
 * both in the run's limits, on the condition that the blob's row has not changed.
 */
export async function decideMove(deps: MoveDeps, run: MoveRun, digest: Digest): Promise<Decided<MoveReason>> {
  const keep = (reason: MoveReason): Decided<MoveReason> => ({ changes: [], answer: reason });
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return keep('unknown-blob');
  const replicas = (await loadReplicas(deps.catalog, digest)).map((row) => row.value);
  if (replicas.some((one) => one.host === undefined && one.state === 'evicting')) return keep('transition-under-way');
  const loaded = await loadTierFacts(deps.catalog, blob.value, replicas, run, deps.rates, run.at);
  const { book, expires, bucketDays } = loaded;
  const { decision, facts, wouldPack } = decideWithin(deps, run, loaded.facts);
  const risks =
    book === undefined ? [] : riskChanges(book, blob.value, bucketDays, facts, decision, deps.rates, run.at);
  if (decision.action === 'keep') {
    const named = decision.reason === 'expires' && run.only === undefined ? expires?.facts : undefined;
    if (named === undefined) return { changes: risks, answer: wouldPack ? 'would-pack' : decision.reason };
    const { model, version } = named;
    return { changes: await foundChanges(deps, { runId: run.id, model, version }), answer: decision.reason };
  }
  if (decision.needsRestore && !WORTH_A_RESTORE.has(decision.reason)) return keep('needs-restore');
  if (run.only?.action === 'pack' && wouldPack) return keep('would-pack');
  const asShown = decision.action === run.only?.action && decision.to === run.only.to;
  if (run.only !== undefined && !asShown) return keep('decided-otherwise');
  const caught = caughtBy(facts, placesOf(decision, facts), deps.rates, run.at);
  if (run.only !== undefined && caught !== undefined) return keep('in-use');
  if (facts.packing?.packed === true && (await isRestoring(deps, blob.value))) return keep('restore-under-way');
  const actionId = moveActionId(run.id, digest);
  if ((await ActionRow.get(deps.catalog, actionId)) !== undefined) return keep('sent-before');
  if (decision.action !== 'transition' && (await isRewritten(deps, digest))) return keep('transition-under-way');
  const moved = decision.needsRestore
    ? await restoreFirst(deps, run, blob, decision)
    : { usd: moveUsd(decision), changes: transitionChanges(deps, run, blob, facts, decision, actionId) };
  if (moved === undefined) return keep('restore-under-way');
  const row = await SweepRunRow.get(deps.catalog, run.id, run.shard);
  const begun = { runId: run.id, shard: run.shard, limits: run.limits, now: deps.clock.now() };
  const reserved = reserve(row?.value, begun, { usd: moved.usd, bytes: facts.bytes });
  if (reserved.outcome === 'refused') return keep(reserved.reason);
  return {
    changes: [...moved.changes, ...risks, SweepRunRow.put(reserved.run, expectationOf(row))],
    answer: decision.needsRestore ? 'restore-begun' : decision.reason,
  };
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

/** What a move costs at once: requests, retrieval, a worker's seconds, and what the class left behind still charges. */
function moveUsd(decision: TierMove): number {
  const chosen = chosenAlternative(decision);
  return (chosen?.moveUsd ?? 0) + (chosen?.earlyDeletionUsd ?? 0);
}

/** Whether somebody waits for this very origin to be brought back. */
async function isRestoring({ catalog }: MoveDeps, { digest, origin }: Blob): Promise<boolean> {
  return (await RestoreRow.get(catalog, digest))?.value.versionId === origin.versionId;
}

/** Actions on a blob that are looked at: later ones wait for those that are under way. */
const LATEST_ACTIONS = 20;

/** Whether another run has its bytes rewritten: doing that twice at once is work for nothing. The index may lag; the switch does not. */
async function isRewritten({ catalog, clock }: MoveDeps, digest: Digest): Promise<boolean> {
  const { items } = await catalog.queryIndex('listing', {
    partition: `ACTIONS#BLOB#${digest}`,
    limit: LATEST_ACTIONS,
    descending: true,
  });
  return items
    .map((item) => ActionRow.parse(item).value)
    .some(({ chosen, expiresAt, state, type }) => {
      const rewrites = type === 'transition' && !chosen.startsWith('transition ');
      return rewrites && state === 'pending' && clock.now() < expiresAt;
    });
}

/** Nobody waits: the cheapest restore will do. */
async function restoreFirst(
  deps: MoveDeps,
  run: MoveRun,
  blob: Versioned<Blob>,
  decision: TierMove,
): Promise<{ usd: number; changes: readonly Change[] } | undefined> {
  const row = await RestoreRow.get(deps.catalog, blob.value.digest);
  if (row?.value.versionId === blob.value.origin.versionId) return undefined;
  const begun = restoreForMove(deps, blob, row, {
    to: decision.to,
    reason: decision.reason,
    correlationId: run.correlationId,
  });
  return begun === undefined ? undefined : { usd: begun.usd + moveUsd(decision), changes: begun.changes };
}

function transitionChanges(
  deps: MoveDeps,
  run: MoveRun,
  blob: Versioned<Blob>,
  facts: TierFacts,
  decision: TierMove,
  actionId: ActionId,
): readonly Change[] {
  const now = deps.clock.now();
  const { digest, origin } = blob.value;
  const action: Action = {
    actionId,
    type: 'transition',
    digest,
    state: 'pending',
    reason: decision.reason,
    policy: `${decision.policyVersion} ${deps.rates.prices.id}`,
    chosen: alternativeName(decision.action, decision.to),
    alternatives: decision.alternatives.map(receiptAlternative),
    ...recordedInputs(recordTier(facts, run.at)),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + TRANSITION_TTL_MS),
    correlationId: run.correlationId,
  };
  const body: TransitionReplica = {
    schema: 'transition-replica/1',
    actionId,
    digest,
    from: { storageClass: origin.storageClass, versionId: origin.versionId },
    to: decision.to,
    ...encodingOf(decision),
    correlationId: run.correlationId,
    hop: 0,
  };
  return [
    ActionRow.put(action, 'absent'),
    outboxPut({ id: actionId, queue: 'transition', body }, now),
    { kind: 'check', key: BlobRow.key(digest), expect: { version: blob.version } },
  ];
}

/** A transition leaves the bytes as they are. */
function encodingOf(decision: TierMove): Pick<TransitionReplica, 'encoding' | 'belowRatio'> {
  if (decision.action === 'transition') return {};
  if (decision.action === 'unpack') return { encoding: 'identity' };
  return { encoding: 'byteplane-zstd-1', belowRatio: decision.belowRatio };
}

function alternativeName(action: TierDecision['action'], storageClass: string): string {
  return `${action} ${storageClass}`;
}
