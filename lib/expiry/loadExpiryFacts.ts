import { loadAccesses } from '../accesses/index.ts';
import {
  BlobRow,
  listAliases,
  ModelRow,
  queryAll,
  ReferenceRow,
  type Replica,
  ReplicaRow,
  RestoreRow,
  ServiceLevelRow,
  startingWith,
  storedBytes,
  type Version,
} from '../catalog/index.ts';
import type { Digest, HostId } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { ExpiryFacts } from './decideExpiry.ts';

/** What an expiry of one published version is decided on, read from the catalog now. */
export async function loadExpiryFacts(store: CatalogStore, content: Version, now: EpochMs): Promise<ExpiryFacts> {
  const { model, version, publishedAt, undoneAt, hold, retainUntil } = content;
  const aliases = (await listAliases(store, model)).filter((one) => one.version === version);
  const newest = (await ModelRow.get(store, model))?.value.newest === version;
  const readsPerDay = (await ServiceLevelRow.get(store, model))?.value.readsPerDay;
  const pinnedOn = new Set<HostId>();
  const own: ExpiryFacts['own'] = [];
  for (const digest of new Set(content.files.map((file) => file.digest))) {
    if (await isShared(store, digest, content)) continue;
    const blob = (await BlobRow.get(store, digest))?.value;
    if (blob === undefined) continue;
    const hosts = (await loadReplicas(store, digest)).filter(({ host }) => host !== undefined);
    for (const { host, pinned } of hosts) if (pinned && host !== undefined) pinnedOn.add(host.id);
    const { bucketReads, days, lastAccessAt } = await loadAccesses(store, digest, now);
    own.push({
      digest,
      bytes: storedBytes(blob),
      storageClass: blob.origin.storageClass,
      createdAt: blob.createdAt,
      transitionedAt: blob.origin.billedSince,
      ...(lastAccessAt === undefined ? {} : { lastAccessAt }),
      bucketReads,
      accesses: days.reduce((sum, { reads }) => sum + reads, 0),
      hosts: hosts.length,
      ...((await RestoreRow.get(store, digest)) === undefined ? {} : { awaited: true }),
    });
  }
  return {
    model,
    version,
    publishedAt,
    ...(undoneAt === undefined ? {} : { undoneAt }),
    ...(hold === undefined ? {} : { hold }),
    ...(retainUntil === undefined ? {} : { retainUntil }),
    aliases: aliases.map(({ alias }) => alias),
    pinnedOn: [...pinnedOn],
    newest,
    ...(readsPerDay === undefined ? {} : { readsPerDay }),
    own,
  };
}

async function isShared(store: CatalogStore, digest: Digest, { model, version }: Version): Promise<boolean> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  return items.some((item) => {
    const { value } = ReferenceRow.parse(item);
    return value.model !== model || value.version !== version;
  });
}

async function loadReplicas(store: CatalogStore, digest: Digest): Promise<readonly Replica[]> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  return items.map((item) => ReplicaRow.parse(item).value);
}
