import type { Blob, Reference, Replica, Tombstone, Version } from '../catalog/index.ts';
import type { HostId } from '../shared/ids.ts';
import { DAY_MS, type EpochMs, HOUR_MS } from '../shared/units.ts';

/** What was promised is kept even where the clock that promises and the one that acts differ. */
export const CLOCK_MARGIN_MS = 2 * HOUR_MS;

/** As long as an operator's delete can be undone by default, what a withdrawn set had copied waits to be pushed again. */
export const UNDO_MS = 7 * DAY_MS + CLOCK_MARGIN_MS;

/** Whether no version has referred to a blob for that time, as far as its row says. */
export function isForgotten(blob: Pick<Blob, 'unreferencedAt'> | undefined, now: EpochMs): boolean {
  return blob?.unreferencedAt !== undefined && now >= blob.unreferencedAt + UNDO_MS;
}

export type DeletionRefusal = 'held' | 'retained' | 'aliased' | 'pinned';

export interface DeletionFacts {
  readonly version: Pick<Version, 'hold' | 'retainUntil'>;
  /** Aliases that point at the version now. */
  readonly aliases: readonly string[];
  /** Hosts that have pinned a file which no other version needs. */
  readonly pinnedOn: readonly HostId[];
  readonly now: EpochMs;
}

/** Why a version may not be deleted; undefined when it may. */
export function refuseDeletion({ version, aliases, pinnedOn, now }: DeletionFacts): DeletionRefusal | undefined {
  const kept = refusePurge(version, now);
  if (kept !== undefined) return kept;
  if (aliases.length > 0) return 'aliased';
  return pinnedOn.length > 0 ? 'pinned' : undefined;
}

function refusePurge({ hold, retainUntil }: DeletionFacts['version'], now: EpochMs): 'held' | 'retained' | undefined {
  if (hold !== undefined) return 'held';
  return retainUntil !== undefined && now < retainUntil + CLOCK_MARGIN_MS ? 'retained' : undefined;
}

/** What a purge may do now: everything that stood against the delete is asked again. */
export type PurgeStep = 'purge' | 'not-due' | 'held' | 'retained' | 'finished';

export function decidePurge(
  tombstone: (Pick<Tombstone, 'state' | 'purgeAfter'> & { readonly content: DeletionFacts['version'] }) | undefined,
  now: EpochMs,
): PurgeStep {
  if (tombstone === undefined || tombstone.state === 'purged') return 'finished';
  const kept = refusePurge(tombstone.content, now);
  if (kept !== undefined) return kept;
  return now < tombstone.purgeAfter ? 'not-due' : 'purge';
}

export type BlobPurgeStep =
  /** Another version needs the bytes: only this version's reference goes. */
  | { readonly step: 'keep-shared' }
  /** Hosts still hold it: those that may be told are told, and the purge comes again. */
  | { readonly step: 'wait'; readonly evict: readonly HostId[]; readonly reason: BlobPurgeWait }
  | { readonly step: 'delete' };

export type BlobPurgeWait = 'pinned' | 'being-filled' | 'being-evicted' | 'on-hosts';

export interface BlobPurgeFacts {
  /** The version that is purged; none where the blob is purged since no version has it. */
  readonly version: Pick<Version, 'model' | 'version'> | undefined;
  readonly references: readonly Pick<Reference, 'model' | 'version'>[];
  readonly replicas: readonly HeldCopy[];
}

interface HeldCopy extends Pick<Replica, 'state' | 'pinned'> {
  /** Absent of the origin. */
  readonly host?: { readonly id: HostId } | undefined;
}

/**
 * Decides about one blob of a purged version. Its last bytes go only when no version refers to it and no host holds it: what a host has
 * pinned, leased, or is filling or evicting is waited for.
 */
export function decideBlobPurge({ version, references, replicas }: BlobPurgeFacts): BlobPurgeStep {
  const shared = references.some((one) => one.model !== version?.model || one.version !== version.version);
  if (shared) return { step: 'keep-shared' };
  const onHosts = replicas.filter((one) => one.host !== undefined);
  if (onHosts.length === 0) return { step: 'delete' };
  const idle = onHosts.filter(({ state, pinned }) => (state === 'verified' || state === 'unknown') && !pinned);
  return { step: 'wait', evict: idle.flatMap(({ host }) => host?.id ?? []), reason: waitReason(onHosts) };
}

function waitReason(replicas: readonly HeldCopy[]): BlobPurgeWait {
  if (replicas.some((one) => one.pinned)) return 'pinned';
  if (replicas.some((one) => one.state === 'reserved')) return 'being-filled';
  return replicas.every((one) => one.state === 'evicting') ? 'being-evicted' : 'on-hosts';
}
