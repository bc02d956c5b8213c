import { hash } from 'node:crypto';
import type { Blob } from '../../lib/catalog/index.ts';
import { manifestKey, PartManifest, partHash } from '../../lib/shared/digest.ts';
import type { StorageClass } from '../../lib/shared/ids.ts';
import type { TieringWorld } from './tieringWorld.ts';

const made = new Map<number, Buffer>();

/** Four parts of numbers of two bytes, whose exponents are alike. Tests that die at any call need them again and again. */
export function weights(seed: number): Buffer {
  const bytes = made.get(seed) ?? makeWeights(seed);
  made.set(seed, bytes);
  return Buffer.from(bytes);
}

function makeWeights(seed: number): Buffer {
  const bytes = Buffer.alloc(200_000);
  for (let at = 0; at < bytes.length; at += 32) {
    const random = hash('sha256', `${seed} ${at}`, 'buffer');
    for (let byte = 0; byte < 32; byte += 2) random[byte + 1] = 0x3c + ((random[byte + 1] ?? 0) & 1);
    random.copy(bytes, at);
  }
  return bytes;
}

/** The same number of bytes, of which none is likelier than another. */
export const noise = () => Buffer.concat(Array.from({ length: 6250 }, (_, at) => hash('sha256', `${at}`, 'buffer')));

/** A blob with its part manifest. */
export async function addWhole(
  world: TieringWorld,
  bytes: Buffer,
  storageClass: StorageClass = 'STANDARD',
  ageDays = 40,
): Promise<Blob> {
  const blob = await world.addBlob(0, ageDays, storageClass, bytes);
  const { digest, partSize, size } = blob;
  const parts = Array.from({ length: Math.ceil(size / partSize) }, (_, part) =>
    partHash(bytes.subarray(part * partSize, (part + 1) * partSize)),
  );
  const manifest = PartManifest.parse({ schema: 'strata-parts-1', digest, size, partSize, parts });
  await world.objects.write(manifestKey(digest), Buffer.from(JSON.stringify(manifest)));
  return blob;
}
