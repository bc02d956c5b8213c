import type { CommandReceipt } from '../../events/command-receipt/v1.ts';
import type { Origin, ViewEntry } from '../../events/host-command/v1.ts';
import type { ActionId, Digest, Generation, VolumeName } from '../../lib/shared/ids.ts';
import { type Bytes, EpochMs } from '../../lib/shared/units.ts';
import { FIRST_VOLUME } from './paths.ts';
import type { LeaseId, LedgerRecord } from './records.ts';

/**
 * filling → resident → gone, with `unchecked` for a copy that must be hashed before it is served and `broken` for one that
 * never will be.
 */
export type BlobState = 'filling' | 'resident' | 'unchecked' | 'broken';

export interface BlobEntry {
  readonly digest: Digest;
  readonly size: Bytes;
  readonly state: BlobState;
  readonly volume: VolumeName;
  /** A second volume that bytes of it take: where it is being moved to, or was moved from. */
  readonly also: VolumeName | undefined;
  /** Where it came from; unknown for a copy that was found after the ledger was lost. */
  readonly origin: Origin | undefined;
  /** Only while filling: the parts that need not be fetched again. */
  readonly parts: ReadonlySet<number>;
  readonly entries: readonly ViewEntry[];
  readonly pinned: boolean;
  readonly since: EpochMs;
  /** When its bytes were last hashed; the fill counts. */
  readonly checkedAt: EpochMs;
}

/** What is needed to fetch a blob again. */
export interface LostBlob {
  readonly digest: Digest;
  readonly size: Bytes;
  readonly origin: Origin;
  readonly entries: readonly ViewEntry[];
  readonly pinned: boolean;
}

export interface FinishedAction {
  readonly actionId: ActionId;
  readonly forgetAt: EpochMs;
  /** Present until it is sent. */
  readonly unsent: CommandReceipt | undefined;
}

export interface LedgerState {
  readonly blobs: Map<Digest, BlobEntry>;
  readonly lost: Map<Digest, LostBlob>;
  readonly leases: Map<LeaseId, readonly Digest[]>;
  readonly finished: Map<ActionId, FinishedAction>;
  readonly commanded: Map<string, { readonly issuedAt: EpochMs; readonly forgetAt: EpochMs }>;
  /** Marks of the volumes beside the first. */
  readonly volumes: Map<VolumeName, string>;
  capacityBytes: Bytes | undefined;
  draining: boolean;
  heartbeats: { readonly generation: Generation; readonly upTo: number } | undefined;
  /** The latest moment that a report carries; whatever the clock says after a restart, later ones go on from there. */
  stampedAt: EpochMs;
}

const NO_TIME = EpochMs.parse(0);

export function emptyState(): LedgerState {
  return {
    blobs: new Map(),
    lost: new Map(),
    leases: new Map(),
    finished: new Map(),
    commanded: new Map(),
    volumes: new Map(),
    capacityBytes: undefined,
    draining: false,
    heartbeats: undefined,
    stampedAt: NO_TIME,
  };
}

/** Folds one record into the state. Records about a blob that is not there change nothing. */
export function applyRecord(state: LedgerState, record: LedgerRecord): void {
  switch (record.is) {
    case 'reserved': {
      const before = state.blobs.get(record.digest);
      const continued = before?.state === 'filling' && before.size === record.size ? before : undefined;
      const blob = continued ?? blankEntry(record.digest, record.size, record.volume);
      state.blobs.set(record.digest, { ...blob, origin: record.origin });
      return;
    }
    case 'found':
      state.blobs.set(record.digest, {
        ...(state.blobs.get(record.digest) ?? blankEntry(record.digest, record.size)),
        size: record.size,
        volume: record.volume ?? FIRST_VOLUME,
        also: undefined,
        state: 'unchecked',
        parts: new Set(),
      });
      return;
    case 'origin':
      changeBlob(state, record.digest, () => ({ origin: record.origin }));
      return;
    case 'part':
      changeBlob(state, record.digest, (blob) => ({ parts: new Set([...blob.parts, record.part]) }));
      return;
    case 'unstaged':
      changeBlob(state, record.digest, () => ({ parts: new Set() }));
      return;
    case 'resident':
      changeBlob(state, record.digest, ({ pinned }) => ({
        state: 'resident',
        parts: new Set(),
        since: record.at,
        checkedAt: record.at,
        pinned: pinned || state.lost.get(record.digest)?.pinned === true,
      }));
      if (state.blobs.has(record.digest)) state.lost.delete(record.digest);
      return;
    case 'checked':
      changeBlob(state, record.digest, () => ({ checkedAt: record.at }));
      return;
    case 'moving':
      changeBlob(state, record.digest, () => ({ also: record.to }));
      return;
    case 'moved':
      changeBlob(state, record.digest, ({ volume, also }) => ({ volume: also ?? volume, also: volume }));
      return;
    case 'alone':
      changeBlob(state, record.digest, () => ({ also: undefined }));
      return;
    case 'volume':
      state.volumes.set(record.volume, record.mark);
      return;
    case 'broken':
      changeBlob(state, record.digest, () => ({ state: 'broken' }));
      return;
    case 'gone':
      state.blobs.delete(record.digest);
      return;
    case 'lost': {
      const { is: _lost, ...lost } = record;
      // It may have been pinned while this record waited to be written.
      const pinned = lost.pinned || state.blobs.get(record.digest)?.pinned === true;
      state.lost.set(record.digest, { ...lost, pinned });
      return;
    }
    case 'given-up':
      state.lost.delete(record.digest);
      return;
    case 'named': {
      changeBlob(state, record.digest, () => ({ entries: record.entries }));
      const lost = state.lost.get(record.digest);
      if (lost !== undefined) state.lost.set(record.digest, { ...lost, entries: record.entries });
      return;
    }
    case 'pinned': {
      changeBlob(state, record.digest, () => ({ pinned: record.pinned }));
      const lost = state.lost.get(record.digest);
      if (lost !== undefined) state.lost.set(record.digest, { ...lost, pinned: record.pinned });
      return;
    }
    case 'leased':
      state.leases.set(record.lease, record.digests);
      return;
    case 'lease-ended':
      state.leases.delete(record.lease);
      return;
    case 'capacity':
      state.capacityBytes = record.capacityBytes;
      return;
    case 'draining':
      state.draining = record.draining;
      return;
    case 'finished': {
      const { receipt, forgetAt } = record;
      if (receipt.finishedAt > state.stampedAt) state.stampedAt = receipt.finishedAt;
      state.finished.set(receipt.actionId, { actionId: receipt.actionId, forgetAt, unsent: receipt });
      return;
    }
    case 'receipt-sent': {
      const { actionId, forgetAt } = record;
      state.finished.set(actionId, { actionId, forgetAt, unsent: undefined });
      return;
    }
    case 'forgotten':
      state.finished.delete(record.actionId);
      return;
    case 'commanded':
      state.commanded.set(record.subject, { issuedAt: record.issuedAt, forgetAt: record.forgetAt });
      return;
    case 'subject-forgotten':
      state.commanded.delete(record.subject);
      return;
    case 'heartbeats':
      state.heartbeats = { generation: record.generation, upTo: record.upTo };
      return;
    case 'stamped':
      if (record.at > state.stampedAt) state.stampedAt = record.at;
      return;
  }
}

/** The fewest records that add up to the same state. */
export function recordsOf(state: LedgerState): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  for (const [volume, mark] of state.volumes) records.push({ is: 'volume', volume, mark });
  for (const blob of state.blobs.values()) records.push(...recordsOfBlob(blob));
  for (const lost of state.lost.values()) records.push({ is: 'lost', ...lost, entries: [...lost.entries] });
  for (const [lease, digests] of state.leases) records.push({ is: 'leased', lease, digests: [...digests] });
  for (const { actionId, forgetAt, unsent } of state.finished.values()) {
    if (unsent === undefined) records.push({ is: 'receipt-sent', actionId, forgetAt });
    else records.push({ is: 'finished', receipt: unsent, forgetAt });
  }
  for (const [subject, times] of state.commanded) records.push({ is: 'commanded', subject, ...times });
  if (state.capacityBytes !== undefined) records.push({ is: 'capacity', capacityBytes: state.capacityBytes });
  if (state.draining) records.push({ is: 'draining', draining: true });
  if (state.stampedAt !== NO_TIME) records.push({ is: 'stamped', at: state.stampedAt });
  if (state.heartbeats !== undefined) records.push({ is: 'heartbeats', ...state.heartbeats });
  return records;
}

function recordsOfBlob(blob: BlobEntry): LedgerRecord[] {
  const { digest, size, origin } = blob;
  const on = blob.volume === FIRST_VOLUME ? {} : { volume: blob.volume };
  const records: LedgerRecord[] = [
    origin === undefined ? { is: 'found', digest, size, ...on } : { is: 'reserved', digest, size, origin, ...on },
  ];
  for (const part of blob.parts) records.push({ is: 'part', digest, part });
  if (blob.since !== NO_TIME) records.push({ is: 'resident', digest, at: blob.since });
  if (blob.checkedAt !== blob.since) records.push({ is: 'checked', digest, at: blob.checkedAt });
  if (blob.state === 'unchecked') records.push({ is: 'found', digest, size, ...on });
  if (blob.also !== undefined) records.push({ is: 'moving', digest, to: blob.also });
  if (blob.state === 'broken') records.push({ is: 'broken', digest });
  if (blob.entries.length > 0) records.push({ is: 'named', digest, entries: [...blob.entries] });
  if (blob.pinned) records.push({ is: 'pinned', digest, pinned: true });
  return records;
}

function blankEntry(digest: Digest, size: Bytes, volume: VolumeName = FIRST_VOLUME): BlobEntry {
  return {
    digest,
    size,
    volume,
    also: undefined,
    state: 'filling',
    origin: undefined,
    parts: new Set(),
    entries: [],
    pinned: false,
    since: NO_TIME,
    checkedAt: NO_TIME,
  };
}

function changeBlob(state: LedgerState, digest: Digest, change: (blob: BlobEntry) => Partial<BlobEntry>): void {
  const blob = state.blobs.get(digest);
  if (blob !== undefined) state.blobs.set(digest, { ...blob, ...change(blob) });
}
