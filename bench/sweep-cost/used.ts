import type { CatalogStore, Item } from '../../lib/shared/ports/catalogStore.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';

/** Assumed: a call of the catalog, and of the bucket, from a function. */
const CALL_MS = { catalog: 5, bucket: 30 };
export const KB = 1024;

/** What a sweep has used, in the units that AWS bills. */
export interface Used {
  readUnits: number;
  writeUnits: number;
  lists: number;
  heads: number;
  messages: number;
  /** Batches that a distributed map calls the function for, and the rows of the inventory in them. */
  batches: number;
  rows: number;
  ms: number;
}

export const nothing = (): Used => ({
  readUnits: 0,
  writeUnits: 0,
  lists: 0,
  heads: 0,
  messages: 0,
  batches: 0,
  rows: 0,
  ms: 0,
});

const bytesOf = (items: readonly Item[]) =>
  items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0);

/** A strongly consistent read takes a unit for each 4 KB, an index half of one; a transactional write two for each KB. */
export function countedCatalog(store: CatalogStore, used: () => Used): CatalogStore {
  const read = (items: readonly Item[], unit: number) => {
    used().readUnits += unit * Math.max(1, Math.ceil(bytesOf(items) / (4 * KB)));
    used().ms += CALL_MS.catalog;
  };
  return {
    async get(key) {
      const item = await store.get(key);
      read(item === undefined ? [] : [item], 1);
      return item;
    },
    async query(query) {
      const page = await store.query(query);
      read(page.items, 1);
      return page;
    },
    async queryIndex(index, query) {
      const page = await store.queryIndex(index, query);
      read(page.items, 0.5);
      return page;
    },
    async transact(changes) {
      for (const change of changes) {
        const bytes = change.kind === 'put' ? Buffer.byteLength(JSON.stringify(change.item)) : 1;
        used().writeUnits += 2 * Math.ceil(bytes / KB);
      }
      used().ms += CALL_MS.catalog;
      return store.transact(changes);
    },
  };
}

export function countedObjects(bucket: ObjectStore, used: () => Used): ObjectStore {
  const listed = () => {
    used().lists += 1;
    used().ms += CALL_MS.bucket;
  };
  return {
    ...bucket,
    async head(key, versionId) {
      used().heads += 1;
      used().ms += CALL_MS.bucket;
      return bucket.head(key, versionId);
    },
    async listVersions(query) {
      listed();
      return bucket.listVersions(query);
    },
    async listUnfinishedCopies(query) {
      listed();
      return bucket.listUnfinishedCopies(query);
    },
  };
}
