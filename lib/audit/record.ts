import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import { AuditEntryRow, UnsealedRow } from '../catalog/index.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { entryHash, NOTHING_BEFORE } from './hashes.ts';

/** What happened; its place in the object's history is found when it is written. */
export type AuditRecord = Omit<AuditEntry, 'schema' | 'number' | 'previous'>;

/**
 * The changes that add one entry to an object's history, for the transaction that makes the change which it tells of. They conflict when
 * another entry of the object was faster; one transaction holds at most one entry of an object.
 */
export async function auditChanges(catalog: CatalogStore, record: AuditRecord): Promise<readonly Change[]> {
  const last = await lastEntry(catalog, record.object);
  const entry: AuditEntry = {
    schema: 'audit-entry/1',
    ...record,
    number: (last?.number ?? 0) + 1,
    previous: last === undefined ? NOTHING_BEFORE : entryHash(last),
  };
  const { object, number, at } = entry;
  return [AuditEntryRow.put(entry, 'absent'), UnsealedRow.put({ object, number, at }, 'absent')];
}

async function lastEntry(catalog: CatalogStore, object: string): Promise<AuditEntry | undefined> {
  const { partition } = AuditEntryRow.key(object, 1);
  let cursor: string | undefined;
  do {
    const from = cursor === undefined ? {} : { cursor };
    const page = await catalog.query({ partition, descending: true, limit: 1, ...from });
    const [item] = page.items;
    if (item !== undefined) return AuditEntryRow.parse(item).value;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return undefined;
}
