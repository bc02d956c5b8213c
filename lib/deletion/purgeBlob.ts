import type { PurgeVersion } from '../../events/purge-version/v1.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  expectationOf,
  type Orphan,
  OrphanRow,
  queryAll,
  recordedInputs,
  type Replica,
  ReplicaRow,
  type Restore,
  RestoreRow,
  settle,
  startingWith,
  storedBytes,
  TombstoneRow,
  type Versioned,
} from '../catalog/index.ts';
import { decideTier, DOLLARS, liabilityUsd, type Rates, recordTier } from '../placement/index.ts';
import { endDecisions } from '../restores/index.ts';
import { blobKey, manifestKey } from '../shared/digest.ts';
import { ActionId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../shared/units.ts';
import { DeletionError } from './errors.ts';
import { loadReplicas } from './versionRows.ts';

/*
 * The end of a blob. One write takes its rows away and condemns each of its object versions by an orphan row in state `deleting`: from
 * then on nobody can name such a version again. Then the objects go, one by one; their orphan rows stay for a day longer. Killed in
 * between, they say what is left to do.
 */

/** As long as the sweep of orphans remembers what it has begun to delete: it finishes what a purge could not. */
const REMEMBERED_MS = 400 * DAY_MS;
/** A publication that saw a version before it was condemned may still be about to name it: so long it finds out. */
const ANNOUNCED_MS = DAY_MS;

export interface BlobDeletionDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly rates: Rates;
}

/** The changes beside the reference's that end the last blob of a deleted version. Throws `DeletionError` `object-differs`. */
export async function endBlobOf(
  deps: BlobDeletionDeps,
  { model, version, correlationId }: PurgeVersion,
  blob: Versioned<Blob>,
  replicas: readonly Versioned<Replica>[],
): Promise<readonly Change[]> {
  const tombstone = await TombstoneRow.get(deps.catalog, model, version);
  if (tombstone === undefined) return [];
  const freedBytes = Bytes.parse((tombstone.value.freedBytes ?? 0) + storedBytes(blob.value));
  const why = { model, modelVersion: version, correlationId, reason: 'undo-window-over' };
  return [
    ...(await endBlob(deps, why, blob, replicas)),
    TombstoneRow.put({ ...tombstone.value, freedBytes }, expectationOf(tombstone)),
  ];
}

type Why = Pick<Action, 'model' | 'modelVersion' | 'correlationId' | 'reason'>;

/**
 * The changes that end a blob which no version refers to, but at most the one that is being purged, and no host holds. Its row must
 * have been read before its references were.
 */
export async function endBlob(
  deps: BlobDeletionDeps,
  why: Why,
  blob: Versioned<Blob>,
  replicas: readonly Versioned<Replica>[],
): Promise<readonly Change[]> {
  const { catalog } = deps;
  const { digest } = blob.value;
  const restore = await RestoreRow.get(catalog, digest);
  const now = deps.clock.now();
  const action = { ...deleteAction(blob.value, deps.rates, now), ...why };
  return [
    { kind: 'delete', key: BlobRow.key(digest), expect: { version: blob.version } },
    ...replicas.map((row) => deleteOf(ReplicaRow.key(digest, row.value.location), row)),
    ...(restore === undefined ? [] : await endRestore(catalog, restore, now)),
    ...(await condemn(deps, blob.value, replicas, now)),
    ActionRow.put(action, expectationOf(await ActionRow.get(catalog, action.actionId))),
  ];
}

/** Nobody waits for it any more. The transition that may follow it finds no blob, and ends by itself. */
async function endRestore(
  catalog: CatalogStore,
  restore: Versioned<Restore>,
  now: EpochMs,
): Promise<readonly Change[]> {
  const forget = deleteOf(RestoreRow.key(restore.value.digest), restore);
  const ended = { state: 'failed' as const, at: now, code: 'blob-purged', text: 'Its last version was deleted.' };
  return [forget, ...(await endDecisions(catalog, restore.value, ended))];
}

const deleteOf = (key: ReturnType<typeof RestoreRow.key>, row: Versioned<unknown>): Change => ({
  kind: 'delete',
  key,
  expect: { version: row.version },
});

/** Exactly the object versions that the catalog names, as they lie in the bucket now. */
async function condemn(
  deps: BlobDeletionDeps,
  blob: Blob,
  replicas: readonly Versioned<Replica>[],
  now: EpochMs,
): Promise<readonly Change[]> {
  const { digest, size, origin } = blob;
  const changes: Change[] = [];
  const add = async (object: Orphan['object'], versionId?: string, bytes?: number) => {
    const found = await deps.objects.head(objectKey(digest, object), versionId);
    if (found.outcome === 'absent') return;
    const { etag, versionId: judged } = found.head;
    if (bytes !== undefined && found.head.size !== bytes) throw differs(digest, judged);
    const orphan: Orphan = {
      digest,
      object,
      versionId: judged,
      state: 'deleting',
      etag,
      size: Bytes.parse(found.head.size),
      condemnedAt: now,
      expiresAt: EpochMs.parse(now + REMEMBERED_MS),
    };
    changes.push(OrphanRow.put(orphan, expectationOf(await OrphanRow.get(deps.catalog, digest, object, judged))));
  };
  // Hosts name versions that they read, which were never packed; rows of the origin say what lies in the bucket.
  const versions = new Map(replicas.map(({ value }) => [value.versionId, size]));
  for (const { value } of replicas) if (value.host === undefined) versions.set(value.versionId, value.bytes);
  versions.set(origin.versionId, storedBytes(blob));
  for (const [versionId, bytes] of versions) await add('bytes', versionId, bytes);
  await add('manifest');
  return changes;
}

function deleteAction(blob: Blob, rates: Rates, now: EpochMs): Omit<Action, keyof Why> {
  const facts = {
    digest: blob.digest,
    bytes: storedBytes(blob),
    storageClass: blob.origin.storageClass,
    createdAt: blob.createdAt,
    transitionedAt: blob.origin.billedSince,
    accessesLast30Days: 0,
  };
  const kept = decideTier(facts, DOLLARS, rates, now).alternatives.find(({ action }) => action === 'keep');
  return {
    actionId: ActionId.parse(`delete-${blob.origin.billedSince}-${blob.digest}`),
    type: 'delete',
    digest: blob.digest,
    state: 'done',
    policy: `operator ${rates.prices.id}`,
    chosen: 'delete',
    alternatives: [
      { action: 'delete', usd: liabilityUsd(facts, rates, now), reason: 'early deletion, once' },
      { action: 'keep', usd: kept?.usdPerMonth ?? Usd.parse(0), reason: 'each month' },
    ],
    ...recordedInputs(recordTier(facts, now)),
    decidedAt: now,
    expiresAt: now,
    outcome: { at: now, code: 'purged', text: 'No version refers to it and no host holds it.' },
  };
}

/** Removes the objects of a blob that were condemned, and the rows that say so. Nothing that is named again is touched. */
export async function finishDeletion(deps: BlobDeletionDeps, digest: Digest): Promise<void> {
  const items = await queryAll(deps.catalog, { partition: `BLOB#${digest}`, ...startingWith('ORPHAN#') });
  for (const item of items) {
    const { value } = OrphanRow.parse(item);
    if (value.state === 'deleting') await removeObject(deps, value);
  }
}

async function removeObject(deps: BlobDeletionDeps, orphan: Orphan): Promise<void> {
  const { digest, object, versionId, etag, size } = orphan;
  const key = objectKey(digest, object);
  if (object === 'bytes' && (await isNamed(deps.catalog, digest, versionId))) throw differs(digest, versionId);
  const found = await deps.objects.head(key, versionId);
  if (found.outcome === 'found') {
    if (found.head.etag !== etag || found.head.size !== size) throw differs(digest, versionId);
    await deps.objects.remove(key, versionId);
  }
  await settle(deps.catalog, `Deleted ${key}`, async () => {
    const row = await OrphanRow.get(deps.catalog, digest, object, versionId);
    const expiresAt = EpochMs.parse(deps.clock.now() + ANNOUNCED_MS);
    if (row === undefined || row.value.expiresAt <= expiresAt) return { changes: [], answer: undefined };
    return { changes: [OrphanRow.put({ ...row.value, expiresAt }, expectationOf(row))], answer: undefined };
  });
}

async function isNamed(catalog: CatalogStore, digest: Digest, versionId: string): Promise<boolean> {
  if ((await BlobRow.get(catalog, digest))?.value.origin.versionId === versionId) return true;
  return (await loadReplicas(catalog, digest)).some(({ value }) => value.versionId === versionId);
}

const objectKey = (digest: Digest, object: Orphan['object']) => (object === 'bytes' ? blobKey : manifestKey)(digest);

function differs(digest: Digest, versionId: string): DeletionError {
  return new DeletionError({
    code: 'object-differs',
    message: `Version ${versionId} of blob ${digest} is not what was judged, or is named again; nothing was deleted. Run \`strata doctor\`.`,
    retryable: false,
  });
}
