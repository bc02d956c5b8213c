import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';

/** Puts rows that no reader of today understands at the front of a partition of the index `due`. */
export async function unreadableRows(catalog: CatalogStore, partition: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    await catalog.transact(
      Array.from({ length: Math.min(100, count - from) }, (_, at) => {
        const name = String(from + at).padStart(6, '0');
        const key = { partition: `NEWER#${partition}#${name}`, sort: 'META' };
        const item = { key, body: { v: 99 }, index: { due: { partition, sort: `0#${name}` } } };
        return { kind: 'put' as const, expect: 'absent' as const, item };
      }),
    );
  }
}
