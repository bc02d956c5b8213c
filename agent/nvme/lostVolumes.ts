import { capacityBytes, type StoreParts, usedBytes } from './parts.ts';
import type { BlobEntry } from './ledgerState.ts';
import { lossOf } from './removal.ts';

/**
 * Tries the volumes, and lets go of what lay on those that failed: each blob is reported as gone, and what the disk still has of
 * it is not believed when it comes back. What somebody has pinned or leased is to be fetched again.
 */
export async function dropLost(parts: StoreParts): Promise<void> {
  const { ledger, volumes, blobTurns } = parts;
  await volumes.probe();
  for (const blob of ledger.state.blobs.values()) {
    // A fill that runs there meets the fault itself.
    if (volumes.isActive(blob.volume) || blobTurns.busy(blob.digest)) continue;
    await blobTurns.take(blob.digest, () => forget(parts, blob));
  }
}

async function forget(parts: StoreParts, blob: BlobEntry): Promise<void> {
  const { digest, size, state, volume } = blob;
  const message = `The volume ${volume} failed.`;
  const measured = { bytesBefore: size, bytesAfter: 0, usedBytes: usedBytes(parts) };
  const event = { type: 'evict', digest, outcome: 'done', code: 'disk-error', message, ...measured } as const;
  const receipt = state === 'resident' ? parts.receiptOf(event, capacityBytes(parts)) : [];
  const lost = blob.pinned || parts.leases.protects(digest) ? lossOf(parts, blob) : [];
  await parts.ledger.commit([{ is: 'gone', digest }, ...lost, ...receipt]);
  parts.unclaimed.delete(digest);
  parts.unrecorded.delete(digest);
  parts.policy.left(digest, false);
  parts.asks.forget(digest);
}
