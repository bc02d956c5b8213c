import type { Digest } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { blobFolder, blobPath, FOLDERS, stagingPath } from './paths.ts';
import type { StoreParts } from './parts.ts';
import type { LedgerRecord } from './records.ts';

export interface Measured {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** What the device holds of a blob, complete or staged. */
export async function measure(disk: Disk, digest: Digest): Promise<number> {
  const stats = [await disk.stat(blobPath(digest)), await disk.stat(stagingPath(digest))];
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
 * holds the blob's turn and has put it among those that are leaving, or it was never servable.
 */
export async function removeBlob(parts: StoreParts, digest: Digest, options: RemovalOptions = {}): Promise<Measured> {
  const measured = await removeFiles(parts, digest);
  const change = measured.bytesAfter === 0 ? 'gone' : 'broken';
  await parts.ledger.commit([{ is: change, digest }, ...(options.alsoCommit?.(measured) ?? [])]);
  parts.unclaimed.delete(digest);
  if (change === 'gone') parts.policy.left(digest, options.evicted ?? false);
  return measured;
}

async function removeFiles(parts: StoreParts, digest: Digest): Promise<Measured> {
  const { disk } = parts;
  let bytesBefore = 0;
  try {
    bytesBefore = await measure(disk, digest);
    await parts.view.refresh();
    if ((await disk.stat(blobPath(digest))) !== undefined) {
      await disk.remove(blobPath(digest));
      await disk.syncDirectory(blobFolder(digest));
    }
    await disk.remove(stagingPath(digest));
    await disk.syncDirectory(FOLDERS.staging);
    return { bytesBefore, bytesAfter: await measure(disk, digest) };
  } catch (error) {
    parts.telemetry.error('blob-not-removed', error, { digest });
    return { bytesBefore, bytesAfter: Math.max(bytesBefore, 1) };
  }
}

/**
 * Removes a blob that is not protected, closing the door to new leases first; callers have checked `evictable` without an
 * await in between. When the removal cannot be made durable the blob stays among those that are leaving, for upkeep to retry.
 */
export function evictBlob(parts: StoreParts, digest: Digest, options: RemovalOptions = {}): Promise<Measured> {
  parts.leaving.add(digest);
  return parts.blobTurns.take(digest, async () => {
    const measured = await removeBlob(parts, digest, { evicted: true, ...options });
    parts.leaving.delete(digest);
    return measured;
  });
}
