import { capacityBytes, type StoreParts, usedBytes } from './parts.ts';
import type { BlobEntry } from './records.ts';

/**
 * Tries the volumes, and lets go of what lay on those that failed: each blob is reported as gone, and what the disk still has of
 * it is not believed when it comes back. Answers what somebody has pinned or leased, so that it can be fetched again.
 */
export async function dropLost(parts: StoreParts): Promise<readonly BlobEntry[]> {
  const { ledger, volumes, blobTurns } = parts;
  await volumes.probe();
  const wanted: BlobEntry[] = [];
  for (const blob of ledger.state.blobs.values()) {
    // A fill that runs there meets the fault itself.
    if (volumes.isActive(blob.volume) || blobTurns.busy(blob.digest)) continue;
    await blobTurns.take(blob.digest, () => forget(parts, blob));
    if (blob.pinned || parts.leases.protects(blob.digest)) wanted.push(blob);
  }
  return wanted;
}

async function forget(parts: StoreParts, { digest, size, state, volume }: BlobEntry): Promise<void> {
  const message = `The volume ${volume} failed.`;
  const measured = { bytesBefore: size, bytesAfter: 0, usedBytes: usedBytes(parts) };
  const event = { type: 'evict', digest, outcome: 'done', code: 'disk-error', message, ...measured } as const;
  const receipt = state === 'resident' ? parts.receiptOf(event, capacityBytes(parts)) : [];
  await parts.ledger.commit([{ is: 'gone', digest }, ...receipt]);
  parts.unclaimed.delete(digest);
  parts.unrecorded.delete(digest);
  parts.policy.left(digest, false);
  parts.asks.forget(digest);
}
