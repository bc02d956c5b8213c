import type { PurgeVersion } from '../../events/purge-version/v1.ts';
import { loadAccesses } from '../accesses/index.ts';
import {
  type Action,
  ActionRow,
  type Blob,
  BlobRow,
  expectationOf,
  type Orphan,
  OrphanRow,
  recordedInputs,
  type Reference,
  type Replica,
  ReplicaRow,
  type Restore,
  RestoreRow,
  storedBytes,
  type Tombstone,
  TombstoneRow,
  type Versioned,
} from '../catalog/index.ts';
import { type Ending, endingOf, type Rates } from '../placement/index.ts';
import { endDecisions } from '../restores/index.ts';
import { ActionId } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { decideEnd, type EndFacts, recordEnd } from './decideEnd.ts';
import { ObjectDiffersError } from './errors.ts';
import { NOTHING_LEFT, objectKey } from './finishDeletion.ts';

/*
 * The end of a blob. One write takes its rows away, condemns each of its object versions by an orphan row in state `deleting`, and keeps
 * the decision as an action that is pending: from then on nobody can name such a version again. Then the objects go, one by one
 * (`finishDeletion`), and with the last of them the action ends. Killed in between, the orphan rows say what is left to do; they stay
 * for a day longer.
 */

/** As long as the sweep of orphans remembers what it has begun to delete: it finishes what a purge could not. */
const REMEMBERED_MS = 400 * DAY_MS;
/** What has not ended by then is gone on with by the schedule. */
const UNFINISHED_MS = DAY_MS;

export interface BlobDeletionDeps {
  readonly catalog: CatalogStore;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly rates: Rates;
}

/** A blob that nothing but at most the version that is purged needs. Its row must have been read before its references were. */
export interface EndingBlob {
  readonly blob: Versioned<Blob>;
  readonly references: readonly Versioned<Reference>[];
  readonly replicas: readonly Versioned<Replica>[];
  readonly now: EpochMs;
}

/** The changes beside the reference's that end the last blob of a deleted version. Throws `ObjectDiffersError`. */
export async function endBlobOf(
  deps: BlobDeletionDeps,
  { model, version, correlationId }: PurgeVersion,
  tombstone: Versioned<Tombstone>,
  ending: EndingBlob,
): Promise<readonly Change[]> {
  const freedBytes = Bytes.parse((tombstone.value.freedBytes ?? 0) + storedBytes(ending.blob.value));
  const why = { model, modelVersion: version, correlationId, reason: 'undo-window-over' };
  return [
    ...(await endBlob(deps, why, ending, tombstone.value)),
    TombstoneRow.put({ ...tombstone.value, freedBytes }, expectationOf(tombstone)),
  ];
}

type Why = Pick<Action, 'model' | 'modelVersion' | 'correlationId' | 'reason'>;

/** The changes that end a blob which no host holds. Throws as above. */
export async function endBlob(
  deps: BlobDeletionDeps,
  why: Why,
  ending: EndingBlob,
  tombstone?: Tombstone,
): Promise<readonly Change[]> {
  const { catalog } = deps;
  const { blob, replicas, now } = ending;
  const { digest } = blob.value;
  const restore = await RestoreRow.get(catalog, digest);
  const objects = await objectsOf(deps.objects, blob.value, replicas);
  const facts = await factsOf(catalog, ending, objects, tombstone);
  const decision = decideEnd(facts, deps.rates, now);
  const wrong = objects.find(({ named, size }) => named !== undefined && named !== size);
  if (decision.action === 'keep') {
    const versionId = wrong?.versionId ?? blob.value.origin.versionId;
    const kept = deleteAction(deps.rates, facts, endingOf(facts, deps.rates, now), now);
    const outcome = { at: now, code: decision.reason, text: `The bucket has another object as version ${versionId}.` };
    throw new ObjectDiffersError({
      digest,
      versionId,
      receipt: { ...kept, ...why, state: 'failed', chosen: 'keep', outcome },
    });
  }
  const action = deleteAction(deps.rates, facts, decision, now);
  return [
    { kind: 'delete', key: BlobRow.key(digest), expect: { version: blob.version } },
    ...replicas.map((row) => deleteOf(ReplicaRow.key(digest, row.value.location), row)),
    ...(restore === undefined ? [] : await endRestore(catalog, restore, now)),
    ...(await condemn(catalog, facts, action.actionId, now)),
    ActionRow.put({ ...action, ...why }, expectationOf(await ActionRow.get(catalog, action.actionId))),
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
async function objectsOf(
  objects: ObjectStore,
  blob: Blob,
  replicas: readonly Versioned<Replica>[],
): Promise<EndFacts['objects']> {
  const { digest, size, origin } = blob;
  const lying: EndFacts['objects'] = [];
  const add = async (object: Orphan['object'], versionId?: string, named?: Bytes) => {
    const found = await objects.head(objectKey(digest, object), versionId);
    if (found.outcome === 'absent') return;
    const judged = { versionId: found.head.versionId, etag: found.head.etag, size: Bytes.parse(found.head.size) };
    lying.push({ object, ...judged, ...(named === undefined ? {} : { named }) });
  };
  // Hosts name versions that they read, which were never packed; rows of the origin say what lies in the bucket.
  const versions = new Map(replicas.map(({ value }) => [value.versionId, size]));
  for (const { value } of replicas) if (value.host === undefined) versions.set(value.versionId, value.bytes);
  versions.set(origin.versionId, storedBytes(blob));
  for (const [versionId, bytes] of versions) await add('bytes', versionId, bytes);
  await add('manifest');
  return lying;
}

async function factsOf(
  catalog: CatalogStore,
  { blob: { value: blob }, references, replicas, now }: EndingBlob,
  objects: EndFacts['objects'],
  tombstone: Tombstone | undefined,
): Promise<EndFacts> {
  const { bucketReads, lastAccessAt } = await loadAccesses(catalog, blob.digest, now);
  return {
    digest: blob.digest,
    bytes: storedBytes(blob),
    storageClass: blob.origin.storageClass,
    createdAt: blob.createdAt,
    transitionedAt: blob.origin.billedSince,
    ...(lastAccessAt === undefined ? {} : { lastAccessAt }),
    bucketReads,
    ...(tombstone === undefined ? {} : { version: windowOf(tombstone) }),
    ...(blob.unreferencedAt === undefined ? {} : { unreferencedAt: blob.unreferencedAt }),
    references: references.map(({ value: { model, version } }) => ({ model, version })),
    copies: replicas.map(({ value: { location, host, state, pinned, versionId } }) => {
      return { location, ...(host === undefined ? {} : { host: host.id }), state, pinned, versionId };
    }),
    objects,
  };
}

function windowOf({ state, deletedAt, purgeAfter, content }: Tombstone): NonNullable<EndFacts['version']> {
  const { model, version, hold, retainUntil } = content;
  return {
    model,
    version,
    state,
    deletedAt,
    purgeAfter,
    ...(hold === undefined ? {} : { hold }),
    ...(retainUntil === undefined ? {} : { retainUntil }),
  };
}

async function condemn(
  catalog: CatalogStore,
  { digest, objects }: EndFacts,
  actionId: ActionId,
  now: EpochMs,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const { object, versionId, etag, size } of objects) {
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    const judged = { digest, object, versionId, etag, size };
    const orphan: Orphan = { ...judged, state: 'deleting', condemnedAt: now, actionId, expiresAt };
    changes.push(OrphanRow.put(orphan, expectationOf(await OrphanRow.get(catalog, digest, object, versionId))));
  }
  return changes;
}

/** The same for every purge of the same copy. */
export function deleteId({ digest, transitionedAt }: Pick<EndFacts, 'digest' | 'transitionedAt'>): ActionId {
  return ActionId.parse(`delete-${transitionedAt}-${digest}`);
}

function deleteAction(rates: Rates, facts: EndFacts, ending: Ending, now: EpochMs): Omit<Action, keyof Why> {
  const begun = facts.objects.length > 0;
  return {
    actionId: deleteId(facts),
    type: 'delete',
    digest: facts.digest,
    state: begun ? 'pending' : 'done',
    policy: `delete-1 ${rates.prices.id}`,
    chosen: 'delete',
    alternatives: [
      { action: 'delete', usd: ending.earlyDeletionUsd, reason: 'early deletion, once' },
      { action: 'keep', usd: ending.usdPerMonth, reason: 'each month' },
    ],
    ...recordedInputs(recordEnd(facts, now)),
    decidedAt: now,
    expiresAt: EpochMs.parse(now + UNFINISHED_MS),
    ...(begun ? {} : { outcome: { at: now, ...NOTHING_LEFT } }),
  };
}
