import { AuditEntryRow, queryAll, startingWith, UnsealedRow } from '../catalog/index.ts';
import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import type { StoredEntry } from './checkChain.ts';

export const READS_AT_ONCE = 16;

/** One page of an object's history, oldest first: one query by the object. */
export async function listHistory(
  catalog: CatalogStore,
  object: string,
  limit: number,
  cursor?: string,
): Promise<{ readonly entries: readonly AuditEntry[]; readonly cursor?: string }> {
  const { partition } = AuditEntryRow.key(object, 1);
  const page = await catalog.query({ partition, limit, ...(cursor === undefined ? {} : { cursor }) });
  const entries = page.items.map((item) => AuditEntryRow.parse(item).value);
  return { entries, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
}

/** Which entries of an object no seal holds yet. */
export async function unsealedNumbers(catalog: CatalogStore, object: string): Promise<ReadonlySet<number>> {
  const { partition, sort } = UnsealedRow.key(object, 1);
  const items = await queryAll(catalog, { partition, ...startingWith(sort.slice(0, sort.indexOf('#') + 1)) });
  return new Set(items.map((item) => UnsealedRow.parse(item).value.number));
}

/** One entry of each; undefined where there is none, or none that can be read. */
export async function findEntries(
  catalog: CatalogStore,
  wanted: readonly { readonly object: string; readonly number: number }[],
): Promise<readonly (AuditEntry | undefined)[]> {
  const found: (AuditEntry | undefined)[] = wanted.map(() => undefined);
  await eachOf([...wanted.entries()], READS_AT_ONCE, async ([index, { object, number }]) => {
    const item = await catalog.get(AuditEntryRow.key(object, number));
    found[index] = item === undefined ? undefined : parsed(item);
  });
  return found;
}

/** Everything that lies in an object's history, also what is no entry. */
export async function storedEntries(catalog: CatalogStore, object: string): Promise<readonly StoredEntry[]> {
  const { partition } = AuditEntryRow.key(object, 1);
  const items = await queryAll(catalog, { partition });
  return items.map((item) => ({ number: Number(item.key.sort), entry: parsed(item) }));
}

function parsed(item: Item): AuditEntry | undefined {
  try {
    return AuditEntryRow.parse(item).value;
  } catch {
    return undefined;
  }
}
