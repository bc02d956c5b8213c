import { expect, it } from 'vitest';
import { blobDigest, manifestIsSound, PartManifest, partHash } from '../../../lib/shared/digest.ts';

const parts = [partHash(Buffer.from('abcd')), partHash(Buffer.from('e'))];
const manifest = { schema: 'strata-parts-1', digest: blobDigest(5, 4, parts), size: 5, partSize: 4, parts };

it.each([
  ['without checksums', undefined, true],
  ['with one for each part', ['00000000', '0123abcd'], true],
  ['with one too few', ['00000000'], false],
  ['with one too many', ['00000000', '0123abcd', '0123abcd'], false],
])('a part manifest %s', (_, crc32c, sound) => {
  expect(manifestIsSound(PartManifest.parse({ ...manifest, ...(crc32c === undefined ? {} : { crc32c }) }))).toBe(sound);
});

it('a part manifest holds checksums in one form only', () => {
  expect(PartManifest.safeParse({ ...manifest, crc32c: ['0123ABCD', '00000000'] }).success).toBe(false);
});
