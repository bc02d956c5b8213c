import type { Digest } from '../../lib/shared/ids.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { blobPath } from './paths.ts';
import type { StoreParts } from './parts.ts';
import type { BlobEntry } from './ledgerState.ts';
import { digestOfFile, type Rehash } from './rehash.ts';
import { condemn, measure, removeBlob } from './removal.ts';

export type Verification =
  | { readonly outcome: 'sound'; readonly bytes: number }
  | { readonly outcome: 'absent' }
  /** Its bytes are wrong or unreadable. It was taken out of service at once; `bytesAfter` is 0 where it could be removed. */
  | {
      readonly outcome: 'corrupt';
      readonly code: 'corrupt' | 'disk-error';
      readonly message: string;
      readonly bytesBefore: number;
      readonly bytesAfter: number;
    };

/** Hashes a copy again, at full speed or paced; an unchecked copy that is sound becomes servable. */
export function verifyBlob(parts: StoreParts, digest: Digest, rehash?: Rehash): Promise<Verification> {
  return parts.blobTurns.take(digest, () => verifyInTurn(parts, digest, rehash));
}

/** For callers that hold the blob's turn. */
export async function verifyInTurn(parts: StoreParts, digest: Digest, rehash?: Rehash): Promise<Verification> {
  const blob = parts.ledger.state.blobs.get(digest);
  if (blob === undefined || (blob.state !== 'resident' && blob.state !== 'unchecked')) return { outcome: 'absent' };
  const fault = await faultOf(parts, blob, rehash);
  if (fault === undefined) {
    const at = parts.clock.now();
    if (blob.state === 'unchecked') {
      await parts.disk.setReadOnly(blobPath(digest, blob.volume));
      await parts.ledger.commit([{ is: 'resident', digest, at }]);
      await parts.view.refresh();
    } else await parts.ledger.commit([{ is: 'checked', digest, at }]);
    return { outcome: 'sound', bytes: await measure(parts, digest) };
  }
  await condemn(parts, digest);
  const measured = await removeBlob(parts, digest);
  return { outcome: 'corrupt', ...fault, ...measured };
}

async function faultOf(
  parts: StoreParts,
  blob: BlobEntry,
  rehash?: Rehash,
): Promise<{ code: 'corrupt' | 'disk-error'; message: string } | undefined> {
  try {
    const found = await digestOfFile(parts.disk, blobPath(blob.digest, blob.volume), parts.config.partSize, rehash);
    if (found === blob.digest) return undefined;
    return { code: 'corrupt', message: `Its bytes now hash to ${found}.` };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { code: 'disk-error', message: errorText(error) };
  }
}
