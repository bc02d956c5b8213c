import { createHash } from 'node:crypto';
import { blobDigest, PartHash } from '../../lib/shared/digest.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { MIB } from '../../lib/shared/units.ts';

const READ_BYTES = MIB;

export interface Rehash {
  /** Awaited after each read, so that a scrub leaves the disk to others; what it throws ends the hashing. */
  readonly pace: (bytes: number) => Promise<void>;
  /** Of the parts that an interrupted hashing of the same file had finished; grows with each part. */
  readonly hashes: PartHash[];
}

/**
 * The digest of a file's bytes as they lie on the medium now.
 * @throws DiskError
 */
export async function digestOfFile(
  disk: Disk,
  path: string,
  partSize: number,
  { pace, hashes }: Rehash = { pace: async () => undefined, hashes: [] },
): Promise<Digest> {
  let size = hashes.length * partSize;
  let hash = createHash('sha256');
  let inPart = 0;
  for (;;) {
    const bytes = await disk.read(path, size, Math.min(READ_BYTES, partSize - inPart), 'medium');
    if (bytes.length === 0) break;
    hash.update(bytes);
    size += bytes.length;
    inPart += bytes.length;
    if (inPart === partSize) {
      hashes.push(PartHash.parse(hash.digest('hex')));
      hash = createHash('sha256');
      inPart = 0;
    }
    await pace(bytes.length);
  }
  if (inPart > 0) hashes.push(PartHash.parse(hash.digest('hex')));
  return blobDigest(size, partSize, hashes);
}
