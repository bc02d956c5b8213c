import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import type { Stage } from './stage.ts';

/** A stage's rows for those who read them by key. */
export function readOnly(stage: Stage): CatalogStore {
  const refuse = () => Promise.reject(new Error('A test reads rows by key and writes none.'));
  return {
    get: (key) => stage.rows.get(key),
    query: (query) => stage.rows.query(query),
    queryIndex: refuse,
    transact: refuse,
  };
}
