import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { loadAccesses } from '../accesses/index.ts';
import {
  type Action,
  ActionRow,
  type Alternative,
  type Blob,
  BlobRow,
  type Decided,
  outboxPut,
  queryAll,
  recordedInputs,
  type Replica,
  ReplicaRow,
  sendOnce,
  settle,
  startingWith,
  type Versioned,
} from '../catalog/index.ts';
import {
  decideTier,
  type Rates,
  recordTier,
  type TierDecision,
  type TierFacts,
  type TierKeepReason,
  type TierMoveReason,
  type TierPolicy,
} from '../placement/index.ts';
import { ActionId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { DAY_MS, EpochMs, Usd } from '../shared/units.ts';

export interface SweepDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly rates: Rates;
  readonly policy: TierPolicy;
  readonly settings: { readonly tierSweep: SweepMode };
}

export type SweepReason =
  | TierKeepReason
  | TierMoveReason
  /** The object is archived; it moves when it has been restored. */
  | 'needs-restore'
  /** The copy that an earlier transition left behind is still there. */
  | 'transition-under-way'
  /** This sweep has sent it already. */
  | 'sent-before'
  | 'unknown-blob';

const BLOBS_PER_MESSAGE = 50;
/** A transition that has not begun by then waits for the next sweep's decision. */
const TRANSITION_TTL_MS = DAY_MS;

/**
 * Decides the storage class of a page of blobs and sends the transitions: per blob one pending action and one message in a
 * conditional write on the blob. Its action's id is made of the sweep's moment and the digest, so a repeated page sends nothing
 * twice, and a killed one goes on where it was. A dry run decides and counts.
 */
export async function sweepShard(deps: SweepDeps, message: SweepShard): Promise<ReadonlyMap<SweepReason, number>> {
  const mode = deps.settings.tierSweep;
  const counts = new Map<SweepReason, number>();
  if (mode === 'off') return counts;
  const page = await deps.catalog.queryIndex('listing', {
    partition: `SWEEP#${message.shard}`,
    limit: BLOBS_PER_MESSAGE,
    ...(message.cursor === undefined ? {} : { cursor: message.cursor }),
  });
  for (const item of page.items) {
    const { digest } = BlobRow.parse(item).value;
    const reason = await settle(deps.catalog, `Sweeping ${digest}`, async () => {
      const decided = await sweepBlob(deps, message, digest);
      return mode === 'dry-run' ? { ...decided, changes: [] } : decided;
    });
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  for (const [reason, count] of counts) deps.telemetry.metric('TierDecided', 'Count', count, { reason, mode });
  if (page.cursor !== undefined) {
    const id = [message.sweepId, message.shard, page.cursor].join(' ');
    await sendOnce(deps, { scope: 'sweep-shard', id }, { queue: 'sweep', body: { ...message, cursor: page.cursor } });
  }
  return counts;
}

async function sweepBlob(deps: SweepDeps, message: SweepShard, digest: Digest): Promise<Decided<SweepReason>> {
  const keep = (reason: SweepReason): Decided<SweepReason> => ({ changes: [], answer: reason });
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob === undefined) return keep('unknown-blob');
  const replicas = await loadReplicas(deps.catalog, digest);
  if (replicas.some((one) => one.host === undefined && one.state === 'evicting')) return keep('transition-under-way');
  const facts = await tierFacts(deps.catalog, blob.value, replicas, message.scheduledAt);
  const decision = decideTier(facts, deps.policy, deps.rates, message.scheduledAt);
  if (decision.action === 'keep') return keep(decision.reason);
  if (decision.needsRestore) return keep('needs-restore');
  const actionId = ActionId.parse(`transition-${message.scheduledAt}-${digest}`);
  if ((await ActionRow.get(deps.catalog, actionId)) !== undefined) return keep('sent-before');
  const changes = transitionChanges(deps, message, blob, facts, decision, actionId);
  return { changes, answer: decision.reason };
}

async function loadReplicas(store: CatalogStore, digest: Digest): Promise<readonly Replica[]> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  return items.map((item) => ReplicaRow.parse(item).value);
}

async function tierFacts(
  store: CatalogStore,
  blob: Blob,
  replicas: readonly Replica[],
  now: EpochMs,
): Promise<TierFacts> {
  const { accessesLast30Days, lastAccessAt } = await loadAccesses(store, blob.digest, now);
  const filling = replicas.some((one) => one.state === 'reserved' || one.state === 'filling');
  const pinned = replicas.some((one) => one.pinned);
  return {
    digest: blob.digest,
    bytes: blob.size,
    storageClass: blob.origin.storageClass,
    createdAt: blob.createdAt,
    transitionedAt: blob.origin.billedSince,
    accessesLast30Days,
    ...(lastAccessAt === undefined ? {} : { lastAccessAt }),
    ...(filling ? { heldBy: 'pending-fill' as const } : pinned ? { heldBy: 'pin' as const } : {}),
  };
}

type Transition = Extract<TierDecision, { action: 'transition' }>;

function transitionChanges(
  deps: SweepDeps,
  message: SweepShard,
  blob: Versioned<Blob>,
  facts: TierFacts,
  decision: Transition,
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
    chosen: alternativeName('transition', decision.to),
    alternatives: decision.alternatives.map((one): Alternative => {
      const { usdPerMonth: month, moveUsd: move, earlyDeletionUsd: early } = one;
      const usd = Usd.parse(month + move + early);
      return { action: alternativeName(one.action, one.storageClass), usd, parts: { month, move, early } };
    }),
    ...recordedInputs(recordTier(facts, message.scheduledAt)),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + TRANSITION_TTL_MS),
    correlationId: message.correlationId,
  };
  const body: TransitionReplica = {
    schema: 'transition-replica/1',
    actionId,
    digest,
    from: { storageClass: origin.storageClass, versionId: origin.versionId },
    to: decision.to,
    correlationId: message.correlationId,
    hop: 0,
  };
  return [
    ActionRow.put(action, 'absent'),
    outboxPut({ id: actionId, queue: 'transition', body }, now),
    { kind: 'check', key: BlobRow.key(digest), expect: { version: blob.version } },
  ];
}

function alternativeName(action: 'keep' | 'transition', storageClass: string): string {
  return `${action} ${storageClass}`;
}
