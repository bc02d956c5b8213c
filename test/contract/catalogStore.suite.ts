import { describe, expect, it } from 'vitest';
import type { CatalogStore, Change, Item, ItemContent, Query } from '../../lib/shared/ports/catalogStore.ts';
import { CATALOG_LIMITS } from '../../lib/shared/ports/catalogStore.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { eventually } from '../support/eventually.ts';

/**
 * What every `CatalogStore` promises. `create` answers a store that may be shared and may hold other items:
 * each test keeps to partitions of its own.
 */
export function catalogStoreContract(name: string, create: () => Promise<CatalogStore>): void {
  describe(`${name} as a catalog store`, () => {
    it('answers nothing for an absent key', async () => {
      const { store, partition } = await prepare(create);
      expect(await store.get({ partition, sort: 'nothing' })).toBeUndefined();
    });

    it('gives back what was put, with every kind of JSON value and without undefined members', async () => {
      const { store, partition } = await prepare(create);
      const body = {
        v: 1,
        text: 'snow ☃ and 𝄞, "quotes", \u0000 and ',
        empty: '',
        nothing: null,
        numbers: [0, -1, 0.1, 2 ** 53 - 1, 1e-300],
        nested: { list: [], object: {}, deep: [{ yes: true, no: false }] },
        left: undefined,
      };
      await commit(store, [add(partition, 'a', { body })]);
      const { left: _left, ...kept } = body;
      expect(await store.get({ partition, sort: 'a' })).toEqual({
        key: { partition, sort: 'a' },
        body: kept,
        version: 1,
      });
    });

    it('counts the writes of a key from one, and again from one after a delete', async () => {
      const { store, partition } = await prepare(create);
      const key = { partition, sort: 'a' };
      await commit(store, [add(partition, 'a')]);
      await commit(store, [put(partition, 'a', { version: 1 })]);
      expect((await store.get(key))?.version).toBe(2);
      await commit(store, [{ kind: 'delete', key, expect: { version: 2 } }]);
      expect(await store.get(key)).toBeUndefined();
      await commit(store, [add(partition, 'a')]);
      expect((await store.get(key))?.version).toBe(1);
    });

    it('changes nothing when one expectation fails, and names exactly the keys that failed', async () => {
      const { store, partition } = await prepare(create);
      await commit(store, [add(partition, 'there'), add(partition, 'checked')]);
      const outcome = await store.transact([
        add(partition, 'new'),
        add(partition, 'there'),
        put(partition, 'missing', { version: 1 }),
        { kind: 'check', key: { partition, sort: 'checked' }, expect: { version: 2 } },
        { kind: 'delete', key: { partition, sort: 'gone' }, expect: { version: 1 } },
      ]);
      expect(outcome.outcome).toBe('conflict');
      const failed = outcome.outcome === 'conflict' ? outcome.keys.map((key) => key.sort) : [];
      expect(failed.toSorted()).toEqual(['checked', 'gone', 'missing', 'there']);
      expect(await store.get({ partition, sort: 'new' })).toBeUndefined();
      expect((await store.get({ partition, sort: 'there' }))?.version).toBe(1);
    });

    it('refuses a change that comes alone and does not find what it expects, and changes nothing', async () => {
      const { store, partition } = await prepare(create);
      await commit(store, [add(partition, 'there')]);
      const there = { partition, sort: 'there' };
      const alone: readonly Change[] = [
        add(partition, 'there', { body: { v: 1, other: true } }),
        put(partition, 'there', { version: 2 }, { body: { v: 1, other: true } }),
        { kind: 'delete', key: there, expect: { version: 2 } },
        { kind: 'check', key: there, expect: { version: 2 } },
        { kind: 'check', key: there, expect: 'absent' },
      ];
      for (const change of alone)
        expect(await store.transact([change])).toEqual({ outcome: 'conflict', keys: [there] });
      expect(await store.get(there)).toEqual({ key: there, body: { v: 1 }, version: 1 });
    });

    it('commits when every check holds, and a check changes no version', async () => {
      const { store, partition } = await prepare(create);
      await commit(store, [add(partition, 'checked')]);
      await commit(store, [
        { kind: 'check', key: { partition, sort: 'checked' }, expect: { version: 1 } },
        { kind: 'check', key: { partition, sort: 'none' }, expect: 'absent' },
        add(partition, 'new'),
      ]);
      expect((await store.get({ partition, sort: 'checked' }))?.version).toBe(1);
      expect(await store.get({ partition, sort: 'new' })).toBeDefined();
    });

    it('lets exactly one of many racing writers win', async () => {
      const { store, partition } = await prepare(create);
      await commit(store, [add(partition, 'a')]);
      const outcomes = await Promise.all(
        Array.from({ length: 8 }, (_, writer) =>
          store.transact([put(partition, 'a', { version: 1 }, { body: { v: 1, writer } })]),
        ),
      );
      expect(outcomes.filter((outcome) => outcome.outcome === 'committed')).toHaveLength(1);
      const winner = outcomes.findIndex((outcome) => outcome.outcome === 'committed');
      expect(await store.get({ partition, sort: 'a' })).toMatchObject({ version: 2, body: { writer: winner } });
    });

    describeQueries(create);
    describeIndexes(create);
    describeLimits(create);

    it('keeps an item until its expiry, with the exact moment', async () => {
      const { store, partition } = await prepare(create);
      const expiresAt = EpochMs.parse(4_102_444_800_123);
      await commit(store, [add(partition, 'a', { expiresAt })]);
      expect((await store.get({ partition, sort: 'a' }))?.expiresAt).toBe(expiresAt);
    });
  });
}

type Create = () => Promise<CatalogStore>;

function describeQueries(create: Create): void {
  it('orders sort keys by their UTF-8 bytes, both ways', async () => {
    const { store, partition } = await prepare(create);
    // UTF-16 order would put the emoji (a surrogate pair) before the private-use character.
    const sorted = ['A', 'a', 'a#1', 'a#10', 'a#2', 'ä', '\uf8ff', '😀'];
    await commit(
      store,
      sorted.toReversed().map((sort) => add(partition, sort)),
    );
    expect(sorts((await store.query({ partition, limit: 100 })).items)).toEqual(sorted);
    const down = await store.query({ partition, limit: 100, descending: true });
    expect(sorts(down.items)).toEqual(sorted.toReversed());
  });

  it('takes both bounds as inclusive and keeps to its partition', async () => {
    const { store, partition } = await prepare(create);
    await commit(
      store,
      ['a', 'b', 'c', 'd'].map((sort) => add(partition, sort)),
    );
    await commit(store, [add(`${partition}-other`, 'b')]);
    expect(sorts(await walk(store, { partition, from: 'b', to: 'c', limit: 10 }))).toEqual(['b', 'c']);
    expect(sorts(await walk(store, { partition, from: 'c', limit: 10 }))).toEqual(['c', 'd']);
    expect(sorts(await walk(store, { partition, to: 'b', limit: 10, descending: true }))).toEqual(['b', 'a']);
    expect(await walk(store, { partition: `${partition}-empty`, limit: 10 })).toEqual([]);
  });

  it('answers every item exactly once over pages, in both directions', async () => {
    const { store, partition } = await prepare(create);
    const all = Array.from({ length: 23 }, (_, index) => String(index).padStart(2, '0'));
    await commit(
      store,
      all.map((sort) => add(partition, sort)),
    );
    expect(sorts(await walk(store, { partition, limit: 5 }))).toEqual(all);
    expect(sorts(await walk(store, { partition, limit: 5, descending: true }))).toEqual(all.toReversed());
  });

  it('never answers more than its limit or its byte limit in a page', async () => {
    const { store, partition } = await prepare(create);
    const body = { v: 1, text: 'x'.repeat(300_000) };
    for (let index = 0; index < 5; index += 1) await commit(store, [add(partition, String(index), { body })]);
    const first = await store.query({ partition, limit: 5 });
    expect(first.items.length).toBeLessThanOrEqual(4);
    expect(first.cursor).toBeDefined();
    expect(sorts(await walk(store, { partition, limit: 5 }))).toEqual(['0', '1', '2', '3', '4']);
    expect((await store.query({ partition, limit: 1 })).items).toHaveLength(1);
  });

  it('refuses a limit outside its range and a foreign cursor', async () => {
    const { store, partition } = await prepare(create);
    for (const limit of [0, 1001, 1.5]) await refuses(store.query({ partition, limit }), 'invalid-request');
    await refuses(store.query({ partition, limit: 1, cursor: 'made-up' }), 'invalid-request');
  });
}

function describeIndexes(create: Create): void {
  it('lists in an index only the items that carry its key', async () => {
    const { store, partition } = await prepare(create);
    const listed = { index: { listing: { partition: `L#${partition}`, sort: 'same' } } };
    await commit(store, [
      add(partition, 'a', listed),
      add(partition, 'b', listed),
      add(partition, 'c', { index: { due: { partition: `L#${partition}`, sort: 'x' } } }),
      add(partition, 'd'),
    ]);
    await eventually(async () => {
      const items = await walk(store, { partition: `L#${partition}`, limit: 1 }, 'listing');
      expect(sorts(items).toSorted()).toEqual(['a', 'b']);
      expect(items[0]).toMatchObject({ version: 1, body: { v: 1 }, ...listed });
    });
  });

  it('follows an item that moves within an index, leaves it or is deleted', async () => {
    const { store, partition } = await prepare(create);
    const at = (sort: string) => ({ index: { due: { partition: `D#${partition}`, sort } } });
    await commit(store, [add(partition, 'a', at('5')), add(partition, 'b', at('6')), add(partition, 'c', at('7'))]);
    await commit(store, [put(partition, 'a', { version: 1 }, at('9')), put(partition, 'b', { version: 1 })]);
    await eventually(async () => {
      const due = await walk(store, { partition: `D#${partition}`, to: '8', limit: 10 }, 'due');
      expect(sorts(due)).toEqual(['c']);
    });
    await commit(store, [{ kind: 'delete', key: { partition, sort: 'c' }, expect: { version: 1 } }]);
    await eventually(async () => {
      const due = await walk(store, { partition: `D#${partition}`, limit: 10 }, 'due');
      expect(due.map((item) => [item.key.sort, item.version])).toEqual([['a', 2]]);
    });
  });
}

function describeLimits(create: Create): void {
  it('refuses an item that is too large, and takes one just below', async () => {
    const { store, partition } = await prepare(create);
    const sized = (bytes: number) => ({ body: { v: 1, text: 'x'.repeat(bytes) } });
    await refuses(store.transact([add(partition, 'a', sized(CATALOG_LIMITS.itemBytes))]), 'too-large');
    await commit(store, [add(partition, 'a', sized(CATALOG_LIMITS.itemBytes - 1_000))]);
    expect(await store.get({ partition, sort: 'a' })).toBeDefined();
  });

  it('refuses a transaction with too many changes or too many bytes, and takes the largest', async () => {
    const { store, partition } = await prepare(create);
    const many = Array.from({ length: 101 }, (_, index) => add(partition, `n${index}`));
    await refuses(store.transact(many), 'invalid-request');
    await commit(store, many.slice(1));
    const body = { v: 1, text: 'x'.repeat(390_000) };
    const heavy = Array.from({ length: 11 }, (_, index) => add(partition, `h${index}`, { body }));
    await refuses(store.transact(heavy), 'too-large');
    expect(await store.get({ partition, sort: 'h0' })).toBeUndefined();
  });

  it('refuses an empty transaction, a key named twice, an empty key and a key that is too long', async () => {
    const { store, partition } = await prepare(create);
    await refuses(store.transact([]), 'invalid-request');
    await refuses(store.transact([add(partition, 'a'), put(partition, 'a', { version: 1 })]), 'invalid-request');
    await refuses(store.transact([add(partition, '')]), 'invalid-request');
    await refuses(store.transact([add(partition, 'x'.repeat(1025))]), 'too-large');
  });
}

let prepared = 0;

async function prepare(create: Create): Promise<{ store: CatalogStore; partition: string }> {
  prepared += 1;
  return { store: await create(), partition: `TEST#${process.pid}-${Date.now()}-${prepared}` };
}

function put(
  partition: string,
  sort: string,
  expect: { readonly version: number },
  content: Partial<ItemContent> = {},
): Change {
  return { kind: 'put', item: { key: { partition, sort }, body: { v: 1 }, ...content }, expect };
}

function add(partition: string, sort: string, content: Partial<ItemContent> = {}): Change {
  return { kind: 'put', item: { key: { partition, sort }, body: { v: 1 }, ...content }, expect: 'absent' };
}

async function commit(store: CatalogStore, changes: readonly Change[]): Promise<void> {
  expect(await store.transact(changes)).toEqual({ outcome: 'committed' });
}

async function walk(store: CatalogStore, query: Query, index?: 'listing' | 'due'): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const next = { ...query, ...(cursor === undefined ? {} : { cursor }) };
    const page = index === undefined ? await store.query(next) : await store.queryIndex(index, next);
    expect(page.items.length).toBeLessThanOrEqual(query.limit);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

function sorts(items: readonly Item[]): readonly string[] {
  return items.map((item) => item.key.sort);
}

async function refuses(call: Promise<unknown>, code: string): Promise<void> {
  await expect(call).rejects.toMatchObject({ name: 'PortError', code, retryable: false });
}
