import type { Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { expectationOf } from './rowType.ts';
import { type OrphanObject, OrphanRow } from './rows/orphan.ts';

/** Whether a version under `blobs/` is being deleted because nothing named it: it is as good as gone. */
export async function isDoomed(
  store: CatalogStore,
  digest: Digest,
  object: OrphanObject,
  versionId: string,
): Promise<boolean> {
  return (await OrphanRow.get(store, digest, object, versionId))?.value.state === 'deleting';
}

/**
 * What belongs into every write that names a version under `blobs/` for the first time: it fails when the sweep of orphans
 * has begun to delete that version, and takes back its condemnation otherwise. Undefined where the deletion has begun.
 */
export async function claimVersion(
  store: CatalogStore,
  digest: Digest,
  object: OrphanObject,
  versionId: string,
): Promise<Change | undefined> {
  const row = await OrphanRow.get(store, digest, object, versionId);
  const key = OrphanRow.key(digest, object, versionId);
  if (row === undefined) return { kind: 'check', key, expect: expectationOf(row) };
  if (row.value.state === 'deleting') return undefined;
  return { kind: 'delete', key, expect: { version: row.version } };
}
