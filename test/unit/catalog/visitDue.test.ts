import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { dueShards, visitDue } from '../../../lib/catalog/index.ts';
import { HOUR_MS } from '../../../lib/shared/units.ts';
import { createManualClock } from '../../support/manualClock.ts';

const SHARDS = 8;
const ITEMS = 25;

/** Shards that hold so many due rows each, and runs of which each ends after some visits. */
async function world(shards = SHARDS) {
  const catalog = createSqliteCatalogStore(openDatabase(':memory:'));
  const clock = createManualClock();
  for (let shard = 0; shard < shards; shard += 1) {
    for (let n = 0; n < ITEMS; n += 1) {
      const sort = `${String(n).padStart(15, '0')}#row`;
      const key = { partition: `ROW#${shard}.${n}`, sort: 'META' };
      const item = { key, body: { v: 1 }, index: { due: { partition: `DUE#${shard}`, sort } } };
      await catalog.transact([{ kind: 'put', item, expect: 'absent' }]);
    }
  }
  const visited = new Set<string>();
  const run = async (most: number) => {
    let left = most;
    const visit = async ({ key }: { readonly key: { readonly partition: string } }) => {
      visited.add(key.partition);
      left -= 1;
    };
    await visitDue(
      { catalog, clock },
      dueShards(shards, (shard) => ({ partition: `DUE#${shard}`, until: clock.now(), visit })),
      { pageItems: 10, pages: 5, enough: () => left <= 0, failed: (error) => expect.fail(String(error)) },
    );
    return most - left;
  };
  return { clock, visited, run };
}

describe('what is due', () => {
  it('is visited in every shard by runs that have time for less than one, hourly ones as well', async () => {
    const { clock, visited, run } = await world();
    for (let hour = 0; hour < 100; hour += 1) {
      await run(3);
      await clock.advance(HOUR_MS);
    }
    const shards = new Set([...visited].map((row) => row.split('.')[0]));
    expect(shards.size).toBe(SHARDS);
  });

  it('is not begun any more when the time is up in the middle of a page, and none of it is left out', async () => {
    const { visited, run } = await world(1);
    expect(await run(13)).toBe(13);
    // The page in which it ended is not passed over: 10 of the first, then 10 of that one again.
    expect(await run(20)).toBe(20);
    expect(visited.size).toBe(20);
    await run(100);
    expect(visited.size).toBe(ITEMS);
  });
});
