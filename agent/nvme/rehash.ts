import { createHash } from 'node:crypto';
import { blobDigest, PartHash } from '../../lib/shared/digest.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import { MIB } from '../../lib/shared/units.ts';

const READ_BYTES = MIB;

/**
 * The digest of a file's bytes as they are on the disk now. `pace` is awaited after each read, so that a scrub leaves the
 * disk to others.
 * @throws DiskError
 */
export async function digestOfFile(
  disk: Disk,
  path: string,
  partSize: number,
  pace: (bytes: number) => Promise<void> = async () => undefined,
): Promise<Digest> {
  const hashes: PartHash[] = [];
  let size = 0;
  let hash = createHash('sha256');
  let inPart = 0;
  for (;;) {
    const bytes = await disk.read(path, size, Math.min(READ_BYTES, partSize - inPart));
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
