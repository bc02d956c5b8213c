import { BlobRow, UploadRow, VersionRow } from '../catalog/index.ts';
import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import { Digest, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Broken } from './broken.ts';
import { hashed } from './records.ts';

/** Compares the rows that a history tells of with its newest word on each; rows that are gone say nothing. */
export async function findContradiction(
  catalog: CatalogStore,
  object: string,
  entries: readonly AuditEntry[],
): Promise<Broken | undefined> {
  const newest = new Map(entries.map((entry) => [entry.bytes?.versionId ?? '', entry]));
  const blob = Digest.safeParse(/^blobs\/(.*)$/.exec(object)?.[1]).data;
  const last = entries.at(-1);
  if (blob !== undefined && last !== undefined) {
    const row = await BlobRow.get(catalog, blob);
    const agrees = row === undefined || hashed(row.value.findings) === last.verdict?.findings;
    return agrees ? undefined : contradicted(last);
  }
  for (const [versionId, entry] of newest) {
    if (!(await agrees(catalog, object, versionId, entry))) return contradicted(entry);
  }
  return undefined;
}

async function agrees(catalog: CatalogStore, object: string, versionId: string, entry: AuditEntry): Promise<boolean> {
  if (entry.bytes !== undefined) {
    const row = await UploadRow.get(catalog, object, versionId);
    return row === undefined || hashed(row.value.findings) === entry.verdict?.findings;
  }
  const [name, number] = object.split('@');
  const model = ModelName.safeParse(name).data;
  const version = SemVer.safeParse(number).data;
  if (model === undefined || version === undefined) return true;
  const row = await VersionRow.get(catalog, model, version);
  return row === undefined || (row.value.withdrawn !== undefined) === (entry.action === 'withdrawn');
}

function contradicted({ object, number }: AuditEntry): Broken {
  return { what: 'contradicted', object, number };
}
