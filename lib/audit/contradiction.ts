import { BlobRow, UploadRow, VersionRow } from '../catalog/index.ts';
import type { AuditEntry } from '../../events/audit-seal/v1.ts';
import { Digest, ModelName, SemVer } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Broken } from './broken.ts';
import { hashed } from './records.ts';

/**
 * Compares the rows that a history tells of with its newest word on each (rows that are gone say nothing), and each publication with the
 * entry before it: the plane publishes under the verdict that it recorded, so another one was put on the row in between.
 */
export async function findContradiction(
  catalog: CatalogStore,
  object: string,
  entries: readonly AuditEntry[],
): Promise<Broken | undefined> {
  const newest = new Map<string, AuditEntry>();
  for (const entry of entries) {
    const versionId = entry.bytes?.versionId ?? '';
    const before = newest.get(versionId);
    const swapped = before !== undefined && before.verdict?.findings !== entry.verdict?.findings;
    if (entry.action === 'published' && swapped) return contradicted(entry);
    newest.set(versionId, entry);
  }
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

/** What an upload in quarantine is told by. */
const REFUSALS: ReadonlySet<AuditEntry['action']> = new Set(['quarantined', 'rescanned']);

async function agrees(catalog: CatalogStore, object: string, versionId: string, entry: AuditEntry): Promise<boolean> {
  if (entry.bytes !== undefined) {
    const row = await UploadRow.get(catalog, object, versionId);
    if (row === undefined) return true;
    const { findings, quarantine } = row.value;
    if (hashed(findings) !== entry.verdict?.findings) return false;
    return quarantine === undefined ? !REFUSALS.has(entry.action) : quarantine.reason === entry.reason;
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
