import {
  type Model,
  ModelRow,
  expectationOf,
  listVersions,
  newestSupported,
  queryAll,
  type Reference,
  ReferenceRow,
  type Replica,
  ReplicaRow,
  startingWith,
  type Version,
  type Versioned,
} from '../catalog/index.ts';
import type { Digest, ModelName } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';

/** The change of a model's row that leaves it with these versions: gone with the last one. */
export function modelChange(
  model: ModelName,
  row: Versioned<Model> | undefined,
  versions: readonly Version[],
  now: EpochMs,
): Change {
  const newest = newestSupported(versions);
  if (newest !== undefined) {
    const createdAt = row?.value.createdAt ?? now;
    return ModelRow.put(
      { name: model, createdAt, updatedAt: now, versions: versions.length, newest },
      expectationOf(row),
    );
  }
  return row === undefined
    ? { kind: 'check', key: ModelRow.key(model), expect: 'absent' }
    : { kind: 'delete', key: ModelRow.key(model), expect: { version: row.version } };
}

export async function otherVersions(store: CatalogStore, { model, version }: Version): Promise<readonly Version[]> {
  return (await listVersions(store, model)).filter((one) => one.version !== version);
}

export async function loadReferences(store: CatalogStore, digest: Digest): Promise<readonly Versioned<Reference>[]> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  return items.map((item) => ReferenceRow.parse(item));
}

export async function loadReplicas(store: CatalogStore, digest: Digest): Promise<readonly Versioned<Replica>[]> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  return items.map((item) => ReplicaRow.parse(item));
}

export function digestsOf({ files }: Version): readonly Digest[] {
  return [...new Set(files.map((file) => file.digest))];
}
