import { type Blob, storedBytes } from '../../lib/catalog/index.ts';
import { unpack } from '../../lib/compression/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import type { ObjectReader } from '../../lib/shared/ports/objectStore.ts';

/** The blob's own bytes, however its origin holds them, or why they cannot be read. Throws `CompressionError`. */
export async function originBytes(bucket: ObjectReader, blob: Blob): Promise<Buffer | 'absent' | 'archived'> {
  const { digest, origin } = blob;
  const bytes = storedBytes(blob);
  if (bytes === 0) return Buffer.alloc(0);
  const read = await bucket.readRange(blobKey(digest), origin.versionId, 0, bytes);
  if (read.outcome !== 'read') return read.outcome;
  if (origin.packed === undefined) return Buffer.from(read.bytes);
  const pieces: Uint8Array[] = [];
  await unpack(once(read.bytes), async (piece) => void pieces.push(piece));
  return Buffer.concat(pieces);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
