import type { Digest } from '../../lib/shared/ids.ts';
import type { VolumeName } from '../../lib/shared/ids.ts';
import { blobFolder, blobPath, stagingFolder, stagingPath } from './paths.ts';
import type { StoreParts } from './parts.ts';
import type { BlobEntry } from './ledgerState.ts';
import type { LedgerRecord } from './records.ts';

export interface Measured {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** What the devices hold of a blob, complete or staged. */
export async function measure(parts: StoreParts, digest: Digest): Promise<number> {
  let bytes = 0;
  for (const { name } of parts.volumes.active()) {
    bytes += await parts.volumes.reach(name, 0, () => measureOn(parts, digest, name));
  }
  return bytes;
}

async function measureOn({ disk }: StoreParts, digest: Digest, volume: VolumeName): Promise<number> {
  const stats = [await disk.stat(blobPath(digest, volume)), await disk.stat(stagingPath(digest, volume))];
  return stats.reduce((sum, stat) => sum + (stat?.size ?? 0), 0);
}

export interface RemovalOptions {
  /** The eviction policy chose it, or an `evict` command did. */
  readonly evicted?: boolean;
  /** Records that become durable together with the removal. */
  readonly alsoCommit?: (measured: Measured) => readonly LedgerRecord[];
}

/**
 * Takes a blob off the disk: out of the view, then its files, then measured. Only what is measured to be gone is released
 * from the budget; `bytesAfter` above zero means that the copy has leaked, and it stays counted and unservable. The caller
 * holds the blob's turn and has put it among the unrecorded, or it was never servable.
 */
export async function removeBlob(parts: StoreParts, digest: Digest, options: RemovalOptions = {}): Promise<Measured> {
  const blob = parts.ledger.state.blobs.get(digest);
  const measured = await removeFiles(parts, digest);
  const change = measured.bytesAfter === 0 ? 'gone' : 'broken';
  await parts.ledger.commit([{ is: change, digest }, ...(options.alsoCommit?.(measured) ?? [])]);
  parts.unclaimed.delete(digest);
  parts.unrecorded.delete(digest);
  if (change === 'gone') {
    parts.policy.left(digest, options.evicted ?? false);
    if (options.evicted === true && blob?.state === 'resident') {
      parts.meters.evicted(parts.volumes.tierOf(blob.volume) ?? 'nvme', blob.size);
    }
    parts.asks.forget(digest);
  }
  return measured;
}

/** Takes a blob whose bytes are known to be wrong out of service, before the slow removal begins: it is to be fetched again. */
export async function condemn(parts: StoreParts, digest: Digest): Promise<void> {
  const blob = parts.ledger.state.blobs.get(digest);
  await parts.ledger.commit([{ is: 'broken', digest }, ...(blob === undefined ? [] : lossOf(parts, blob))]);
}

/** Makes durable that a blob is to be fetched again. Where its origin is unknown it comes back when it is asked for by name. */
export function lossOf({ ledger }: StoreParts, { digest, size, origin, entries, pinned }: BlobEntry): LedgerRecord[] {
  if (origin === undefined || ledger.state.draining) return [];
  return [{ is: 'lost', digest, size, origin, entries: [...entries], pinned }];
}

async function removeFiles(parts: StoreParts, digest: Digest): Promise<Measured> {
  let bytesBefore = 0;
  try {
    bytesBefore = await measure(parts, digest);
    await parts.view.unlink(digest);
    for (const { name } of parts.volumes.active()) {
      await parts.volumes.reach(name, true, () => removeFrom(parts, digest, name));
    }
    return { bytesBefore, bytesAfter: await measure(parts, digest) };
  } catch (error) {
    parts.telemetry.error('blob-not-removed', error, { digest });
    return { bytesBefore, bytesAfter: Math.max(bytesBefore, 1) };
  }
}

/**
 * Takes what a volume has of a blob off it, and answers whether nothing is left.
 * @throws DiskError
 */
export async function removeFrom(parts: StoreParts, digest: Digest, volume: VolumeName): Promise<boolean> {
  const { disk } = parts;
  if ((await disk.stat(blobPath(digest, volume))) !== undefined) {
    await disk.remove(blobPath(digest, volume));
    await disk.syncDirectory(blobFolder(digest, volume));
  }
  await disk.remove(stagingPath(digest, volume));
  await disk.syncDirectory(stagingFolder(volume));
  return (await measureOn(parts, digest, volume)) === 0;
}

/**
 * Removes a blob that is not protected, closing the door to new leases first; callers have checked `evictable` without an
 * await in between. When the removal cannot be made durable the blob stays among the unrecorded, for upkeep to retry.
 */
export function evictBlob(parts: StoreParts, digest: Digest, options: RemovalOptions = {}): Promise<Measured> {
  const endLeaving = parts.leaving.begin(digest);
  return parts.blobTurns.take(digest, () => {
    parts.unrecorded.add(digest);
    endLeaving();
    return removeBlob(parts, digest, { evicted: true, ...options });
  });
}
