import { createHash } from 'node:crypto';
import type { RangedReader } from '../lib/scanning/index.ts';
import { blobDigest, PART_SIZE, PartHash } from '../lib/shared/digest.ts';
import type { Digest } from '../lib/shared/ids.ts';
import { MIB } from '../lib/shared/units.ts';

const READ = 4 * MIB;

/** As the plane names these bytes. `onBytes` is told of each chunk that was read. */
export async function digestOf(
  source: RangedReader,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<Digest> {
  const parts: PartHash[] = [];
  for (let start = 0; start < source.size; start += PART_SIZE) {
    const hash = createHash('sha256');
    const end = Math.min(source.size, start + PART_SIZE);
    for (let at = start; at < end; at += READ) {
      const bytes = await source.read(at, Math.min(READ, end - at));
      hash.update(bytes);
      onBytes(bytes.byteLength);
    }
    parts.push(PartHash.parse(hash.digest('hex')));
  }
  return blobDigest(source.size, PART_SIZE, parts);
}
