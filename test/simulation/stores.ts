import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { createSqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { createMemCatalogStore } from '../support/memCatalogStore.ts';
import { createMemQueues, type MemQueues, type MemQueuesOptions } from '../support/memQueues.ts';

/** Below the simulated world: stores in memory, which cost little, or those of the embedded runtime. A run cannot tell. */
export type StoreKind = 'memory' | 'sqlite';

export interface Stores {
  readonly catalog: CatalogStore;
  readonly queues: MemQueues;
  close(): void;
}

export function createStores(kind: StoreKind, options: MemQueuesOptions): Stores {
  return kind === 'memory' ? inMemory(options) : inSqlite(options);
}

function inMemory(options: MemQueuesOptions): Stores {
  return { catalog: createMemCatalogStore(), queues: createMemQueues(options), close: () => {} };
}

function inSqlite(options: MemQueuesOptions): Stores {
  const databases = [openDatabase(':memory:'), openDatabase(':memory:')] as const;
  const [catalogDatabase, database] = databases;
  const catalog = createSqliteCatalogStore(catalogDatabase);
  const queues = createSqliteQueues({ ...options, database });
  const earliest = database.prepare('SELECT min(visible_at) AS at FROM messages WHERE queue = ?');
  return {
    catalog,
    queues: {
      ...queues,
      earliestVisible: (queue) => Number(earliest.get(queue)?.['at'] ?? Number.POSITIVE_INFINITY),
    },
    close: () => databases.forEach((one) => one.close()),
  };
}
