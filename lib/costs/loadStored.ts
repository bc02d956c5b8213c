import { loadAccesses } from '../accesses/index.ts';
import {
  type Blob,
  queryAll,
  type Reference,
  ReferenceRow,
  type Replica,
  ReplicaRow,
  RestoreRow,
  startingWith,
  storedBytes,
  type Upload,
} from '../catalog/index.ts';
import type { BucketReads, Rates } from '../placement/index.ts';
import { StorageClass } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { EpochMs } from '../shared/units.ts';
import { bucketCost, hostCost } from './copyCost.ts';
import { type CopyKind, type StoredCopy, type StoredObject, UNREAD_MS } from './storedObject.ts';

export interface StoredDeps {
  readonly catalog: CatalogStore;
  readonly rates: Rates;
}

/** A blob's copies in the bucket and on hosts, with what each costs. Throws `PricingError` where a price is unknown. */
export async function loadStored({ catalog, rates }: StoredDeps, blob: Blob, now: EpochMs): Promise<StoredObject> {
  const { digest, size, compressibility } = blob;
  const { bucketReads } = await loadAccesses(catalog, digest, now);
  const references = await referencesOf(catalog, blob);
  const rows = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
  const replicas = rows.map((item) => ReplicaRow.parse(item).value);
  const restore = await RestoreRow.get(catalog, digest);
  const restored = restore?.value.state === 'restored' && restore.value.versionId === blob.origin.versionId;
  return {
    name: digest,
    bytes: size,
    models: [...new Set(references.map(({ model }) => model))],
    references: references.length,
    reads: bucketReads.last30Days,
    // What is packed already is no opportunity any more, and nobody can have left unread for a month what is younger.
    ...(compressibility === undefined || blob.origin.packed !== undefined || now - blob.createdAt < UNREAD_MS
      ? {}
      : { ratio: compressibility.ratio }),
    copies: [
      originCopy(blob, replicas, bucketReads, rates, now),
      ...replicas.flatMap((replica) => otherCopy(blob, replica, rates, now)),
      ...(restored ? [restoredCopy(blob, rates, now)] : []),
    ],
  };
}

async function referencesOf(catalog: CatalogStore, { digest }: Blob): Promise<readonly Reference[]> {
  const items = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  return items.map((item) => ReferenceRow.parse(item).value);
}

/** What lies under `uploads/`. The catalog does not know its storage class: uploads come as STANDARD unless somebody chose another. */
export function storedUpload(
  upload: Upload,
  kind: Extract<CopyKind, 'arriving' | 'uploaded' | 'refused'>,
  rates: Rates,
  now: EpochMs,
): StoredObject {
  const { key, size, target, observedAt } = upload;
  const place = { storageClass: 'STANDARD', bytes: size, billedSince: observedAt, idleSince: observedAt } as const;
  const cost = bucketCost({ ...place, reads: 0 }, rates, now);
  return {
    name: key,
    bytes: size,
    models: target === undefined ? [] : [target.model],
    references: 0,
    reads: 0,
    copies: [{ kind, tier: 'STANDARD', bytes: size, ...cost }],
  };
}

/** The bytes are those that were measured, which differ from the blob's where the origin is kept in another encoding. */
function originCopy(
  { origin, size }: Blob,
  replicas: readonly Replica[],
  { last30Days: reads, lastAt }: BucketReads,
  rates: Rates,
  now: EpochMs,
): StoredCopy {
  const { location, storageClass, billedSince } = origin;
  const bytes = replicas.find((one) => one.host === undefined && one.location === location)?.bytes ?? size;
  const idleSince = Math.max(billedSince, lastAt ?? 0);
  const cost = bucketCost({ storageClass, bytes, billedSince, idleSince, reads }, rates, now);
  return { kind: 'origin', tier: storageClass, ...regionOf(location), bytes, ...cost };
}

function otherCopy(blob: Blob, replica: Replica, rates: Rates, now: EpochMs): readonly StoredCopy[] {
  const { bytes, checkedAt, host, location, state } = replica;
  const [tier = ''] = location.split(':');
  // What is reserved is not there yet.
  if (host !== undefined) {
    return state === 'reserved' ? [] : [{ kind: 'host', tier, host: host.id, bytes, ...hostCost(tier, bytes, rates) }];
  }
  const storageClass = StorageClass.safeParse(location.split(':')[2]);
  if (location === blob.origin.location || !storageClass.success) return [];
  const place = { storageClass: storageClass.data, bytes, billedSince: checkedAt, idleSince: checkedAt, reads: 0 };
  const cost = bucketCost(place, rates, now);
  return [{ kind: 'replaced', tier: storageClass.data, ...regionOf(location), bytes, ...cost }];
}

function restoredCopy(blob: Blob, rates: Rates, now: EpochMs): StoredCopy {
  const bytes = storedBytes(blob);
  const place = { storageClass: 'STANDARD', bytes, billedSince: now, idleSince: now, reads: 0 } as const;
  const cost = bucketCost(place, rates, now);
  return { kind: 'restored', tier: 'STANDARD', ...regionOf(blob.origin.location), bytes, ...cost };
}

function regionOf(location: string): { readonly region?: string } {
  const [, region] = location.split(':');
  return region === undefined ? {} : { region };
}
