import type { CatalogStore, Item, Page } from './ports/catalogStore.ts';

/** The store as it was when each of its rows was first asked for: several decisions about one blob read it once, and see the same. */
export function readOnce(store: CatalogStore): CatalogStore {
  const rows = new Map<string, Promise<Item | undefined>>();
  const pages = new Map<string, Promise<Page>>();
  return {
    get: (key) => kept(rows, JSON.stringify([key.partition, key.sort]), () => store.get(key)),
    query: (wish) => kept(pages, JSON.stringify(wish), () => store.query(wish)),
    queryIndex: (index, wish) => kept(pages, JSON.stringify([index, wish]), () => store.queryIndex(index, wish)),
    transact: (changes) => store.transact(changes),
  };
}

function kept<T>(known: Map<string, Promise<T>>, name: string, read: () => Promise<T>): Promise<T> {
  const before = known.get(name);
  if (before !== undefined) return before;
  const answer = read();
  known.set(name, answer);
  return answer;
}
