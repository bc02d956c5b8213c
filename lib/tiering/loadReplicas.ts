import { queryAll, type Replica, ReplicaRow, startingWith, type Versioned } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';

/** Every copy of a blob that the catalog names: of its origin and on hosts. */
export async function loadReplicas(store: CatalogStore, digest: Digest): Promise<readonly Versioned<Replica>[]> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  return items.map((item) => ReplicaRow.parse(item));
}
