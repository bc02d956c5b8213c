import { checkKey, checkQuery } from '../../lib/adapters/catalogCalls.ts';
import type { FileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import type { CatalogStore, Change, IndexName, Item, Page, Query } from '../../lib/shared/ports/catalogStore.ts';
import type { Counters } from './invariants.ts';
import type { Capability, RowChange, WatchedCatalog } from './stage.ts';

/**
 * Shows every committed write of the catalog: each changed row and the row before it. Stands below the faults, so it sees
 * what is true and not what a caller was told.
 */
export function watchCatalog(
  store: CatalogStore,
  counters: Counters,
  capabilities: readonly Capability[],
): WatchedCatalog {
  /** By the family of their partition (`BLOB#`), each in the order in which its rows were written first. */
  const families = new Map<string, Map<string, Item>>();
  const partitions = new Map<string, Map<string, Item>>();
  /** By the partition of the index, by the row's name. */
  const indexes = { listing: new Map<string, Map<string, Item>>(), due: new Map<string, Map<string, Item>>() };

  function reindex(index: IndexName, name: string, before: Item | undefined, now: Item | undefined): void {
    const [was, is] = [before?.index?.[index]?.partition, now?.index?.[index]?.partition];
    if (was !== undefined && was !== is) indexes[index].get(was)?.delete(name);
    if (is !== undefined && now !== undefined) mapIn(indexes[index], is).set(name, now);
  }

  /** As the store has it, so that it is parsed once for all who read it. */
  async function written({ item, expect }: Extract<Change, { kind: 'put' }>): Promise<Item> {
    const version = expect === 'absent' ? 1 : expect.version + 1;
    const stored = await store.get(item.key);
    return stored?.version === version ? stored : { ...item, version };
  }

  /** What changed, told once all of it is `committed`. */
  async function record(changes: readonly Change[]): Promise<readonly RowChange[]> {
    const after = async (change: Change) => (change.kind === 'put' ? written(change) : undefined);
    const afters = await Promise.all(changes.map(after));
    return changes.flatMap((change, index) => {
      if (change.kind === 'check') return [];
      const key = change.kind === 'put' ? change.item.key : change.key;
      const name = `${key.partition} ${key.sort}`;
      const family = mapIn(families, familyOf(key.partition));
      const partition = mapIn(partitions, key.partition);
      const [before, now] = [partition.get(key.sort), afters[index]];
      if (now === undefined) {
        family.delete(name);
        partition.delete(key.sort);
      } else {
        family.set(name, now);
        partition.set(key.sort, now);
      }
      reindex('listing', name, before, now);
      reindex('due', name, before, now);
      return [{ key, before, after: now }];
    });
  }

  async function show(change: RowChange): Promise<void> {
    for (const { onRow } of capabilities) {
      const look = onRow?.(change);
      if (look !== undefined) await look;
    }
  }

  return {
    // Nobody else writes, so the store would answer the same; rows are read far more often than written.
    async get(key) {
      checkKey(key);
      return partitions.get(key.partition)?.get(key.sort);
    },
    query(query) {
      const page = atMostOne(query, partitions.get(query.partition)?.values(), ({ key }) => key.sort);
      return page === undefined ? store.query(query) : Promise.resolve(page);
    },
    queryIndex(index, query) {
      const page = atMostOne(query, indexes[index].get(query.partition)?.values(), (item) => item.index?.[index]?.sort);
      return page === undefined ? store.queryIndex(index, query) : Promise.resolve(page);
    },
    async transact(changes) {
      const answer = await store.transact(changes);
      if (answer.outcome === 'conflict') counters.count('catalog conflict');
      else for (const change of await record(changes)) await counters.watch(() => show(change));
      return answer;
    },
    committed: (family) => families.get(family)?.values() ?? [],
    committedIn: (partition) => partitions.get(partition)?.values() ?? [],
  };
}

/** What the store would answer where it is one row or none, as in most cases; it alone has an order and ends pages. */
function atMostOne(
  query: Query,
  rows: Iterable<Item> = [],
  sortOf: (item: Item) => string | undefined,
): Page | undefined {
  checkQuery(query);
  const { cursor, from = '', to } = query;
  if (cursor !== undefined) return undefined;
  let found: Item | undefined;
  for (const item of rows) {
    const sort = sortOf(item);
    if (sort === undefined || sort < from || (to !== undefined && sort > to)) continue;
    if (found !== undefined) return undefined;
    found = item;
  }
  return { items: found === undefined ? [] : [found] };
}

function familyOf(partition: string): string {
  return partition.slice(0, partition.indexOf('#') + 1);
}

function mapIn(maps: Map<string, Map<string, Item>>, name: string): Map<string, Item> {
  const known = maps.get(name);
  if (known !== undefined) return known;
  const map = new Map<string, Item>();
  maps.set(name, map);
  return map;
}

/** Shows what is about to be removed from the bucket, and tells after each change. */
export function watchBucket(
  bucket: FileObjectStore,
  counters: Counters,
  capabilities: readonly Capability[],
  changed: () => void,
): FileObjectStore {
  return {
    ...bucket,
    async write(...args) {
      const outcome = await bucket.write(...args);
      changed();
      return outcome;
    },
    async copy(...args) {
      const outcome = await bucket.copy(...args);
      changed();
      return outcome;
    },
    async endParts(...args) {
      const outcome = await bucket.endParts(...args);
      changed();
      return outcome;
    },
    tellRestores() {
      bucket.tellRestores();
      changed();
    },
    async remove(key, versionId) {
      for (const { onRemoval } of capabilities) await counters.watch(() => onRemoval?.(key, versionId));
      await bucket.remove(key, versionId);
      changed();
    },
  };
}
