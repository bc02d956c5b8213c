import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { BlobRow } from '../../../lib/catalog/index.ts';
import { partHash } from '../../../lib/shared/digest.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { decideSweepPath, estimateBlobs } from '../../../lib/tiering/index.ts';
import { blobOf } from '../../support/fleetWorld.ts';

describe('the path of a sweep', () => {
  it.each([
    [9_999_999, true, 'messages', 'few-blobs'],
    [10_000_000, true, 'inventory', 'many-blobs'],
    [10_000_000, false, 'messages', 'no-inventory'],
  ] as const)('over %i blobs, with an inventory: %s, is by %s', (blobs, inventory, path, reason) => {
    const facts = { blobs, inventory, inventoryFromBlobs: 10_000_000 };
    expect(decideSweepPath(facts)).toEqual({ path, reason, blobs });
  });
});

describe('the estimate of how many blobs there are', () => {
  async function catalogOf(blobs: number, salt: string) {
    const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
    const made = blobOf('a', EpochMs.parse(0));
    for (let start = 0; start < blobs; start += 100) {
      const some = Array.from({ length: Math.min(100, blobs - start) }, (_, index) =>
        Digest.parse(partHash(Buffer.from(`${salt} ${start + index}`))),
      );
      await catalog.transact(some.map((digest) => BlobRow.put({ ...made, digest }, 'absent')));
    }
    return catalog;
  }

  it.each(['a', 'b', 'c'])('is off by less than a third for 20,000 of them (%s)', async (salt) => {
    const estimate = await estimateBlobs(await catalogOf(20_000, salt));
    expect(estimate).toBeGreaterThan(20_000 / 1.33);
    expect(estimate).toBeLessThan(20_000 * 1.33);
  });

  it('is sixteen times what one shard holds, where that is little', async () => {
    expect(await estimateBlobs(await catalogOf(0, 'a'))).toBe(0);
    expect((await estimateBlobs(await catalogOf(160, 'a'))) % 16).toBe(0);
  });
});
