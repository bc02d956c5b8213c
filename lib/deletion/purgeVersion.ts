import type { PurgeBlob } from '../../events/purge-blob/v1.ts';
import type { PurgeVersion } from '../../events/purge-version/v1.ts';
import { SET_FILE } from '../../events/upload-set/v1.ts';
import {
  BlobRow,
  type Decided,
  expectationOf,
  queryAll,
  type Reference,
  ReferenceRow,
  settle,
  startingWith,
  type Tombstone,
  TombstoneRow,
  UploadRow,
  type Versioned,
} from '../catalog/index.ts';
import { commandHost, type OperatorDeps } from '../fleet/index.ts';
import { uploadKey } from '../ingest/index.ts';
import type { Rates } from '../placement/index.ts';
import { type Digest, type HostId, KeySegment } from '../shared/ids.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import {
  type BlobPurgeStep,
  type BlobPurgeWait,
  decideBlobPurge,
  decidePurge,
  type PurgeStep,
} from './decideDeletion.ts';
import { ObjectDiffersError } from './errors.ts';
import { finishDeletion } from './finishDeletion.ts';
import { endBlobOf } from './purgeBlob.ts';
import { endStuck } from './stuckPurge.ts';
import { digestsOf, loadReferences, loadReplicas } from './versionRows.ts';

export interface PurgeDeps extends OperatorDeps {
  readonly objects: ObjectStore;
  readonly telemetry: Telemetry;
  readonly rates: Rates;
}

export type PurgeAnswer =
  | Exclude<PurgeStep, 'purge'>
  | BlobPurgeWait
  | 'purged'
  /** The bucket has another object than was judged: everything else is gone, and a person must look. */
  | 'object-differs';

/**
 * Takes the bytes of a deleted version away. Every check is made again now, for each blob by itself: no other version refers to it, no
 * host holds it, the object is the one that the catalog names. Killed anywhere and sent again it goes on; the last copy of what anybody
 * refers to is never touched.
 */
export async function purgeVersion(deps: PurgeDeps, message: PurgeVersion): Promise<PurgeAnswer> {
  const answer = await takeStep(deps, message);
  deps.telemetry.metric('PurgeStep', 'Count', 1, { reason: answer });
  deps.telemetry.info('purge step', { reason: answer, model: message.model, version: message.version });
  return answer;
}

async function takeStep(deps: PurgeDeps, message: PurgeVersion): Promise<PurgeAnswer> {
  const begun = await settle(deps.catalog, `Purging ${message.model}@${message.version}`, () => begin(deps, message));
  if (begun.step !== 'purge' || begun.tombstone === undefined) return begun.step === 'purge' ? 'finished' : begun.step;
  const { tombstone } = begun;
  let waits: BlobPurgeWait | Exclude<PurgeStep, 'purge'> | undefined;
  let differs: ObjectDiffersError | undefined;
  for (const digest of digestsOf(tombstone.content)) {
    try {
      waits = (await purgeDigest(deps, message, digest)) ?? waits;
    } catch (error) {
      if (!(error instanceof ObjectDiffersError)) throw error;
      differs ??= error;
    }
  }
  if (differs !== undefined) {
    await endStuck(deps, differs, message);
    return 'object-differs';
  }
  if (waits !== undefined) return waits;
  await removeUploads(deps, tombstone);
  await settle(deps.catalog, `Ending ${message.model}@${message.version}`, () => end(deps, message));
  return 'purged';
}

/** From here on the delete cannot be undone. */
async function begin(
  deps: PurgeDeps,
  { model, version }: PurgeVersion,
): Promise<Decided<{ readonly step: PurgeStep; readonly tombstone?: Tombstone }>> {
  const row = await TombstoneRow.get(deps.catalog, model, version);
  const step = decidePurge(row?.value, deps.clock.now());
  if (step !== 'purge' || row === undefined) return { changes: [], answer: { step } };
  const tombstone: Tombstone = { ...row.value, state: 'purging' };
  const changes = row.value.state === 'purging' ? [] : [TombstoneRow.put(tombstone, expectationOf(row))];
  return { changes, answer: { step, tombstone } };
}

/** Answers what it waits for; undefined when this version has nothing to do with the blob any more. */
async function purgeDigest(
  deps: PurgeDeps,
  message: PurgeVersion,
  digest: Digest,
): Promise<BlobPurgeWait | Exclude<PurgeStep, 'purge'> | undefined> {
  const { correlationId } = message;
  const decided = await settle(deps.catalog, `Purging ${digest}`, () => decideDigest(deps, message, digest));
  if (decided.step === 'wait') {
    await evictCopies(deps, { digest, correlationId }, decided.evict);
    return decided.reason;
  }
  if (decided.step === 'stay') return decided.reason;
  await finishDeletion(deps, digest);
  return undefined;
}

/** Tells the hosts to let go of their copies. */
export async function evictCopies(
  deps: PurgeDeps,
  { digest, correlationId }: Pick<PurgeBlob, 'digest' | 'correlationId'>,
  hosts: readonly HostId[],
): Promise<void> {
  for (const host of hosts) {
    await commandHost(deps, { host, command: { type: 'evict', digest }, correlationId, reason: 'deleted' });
  }
}

type DigestStep =
  | BlobPurgeStep
  /** The delete may not be carried out now: a clock went back, or the purge has ended. */
  | { readonly step: 'stay'; readonly reason: Exclude<PurgeStep, 'purge'> };

async function decideDigest(deps: PurgeDeps, message: PurgeVersion, digest: Digest): Promise<Decided<DigestStep>> {
  const { model, version } = message;
  // Before the references: each write that adds one bumps the blob's row, so one that comes too late to be seen is a conflict.
  const blob = await BlobRow.get(deps.catalog, digest);
  const references = await loadReferences(deps.catalog, digest);
  const own = references.find(({ value }) => value.model === model && value.version === version);
  // Taken by an earlier try.
  if (own === undefined) return { changes: [], answer: { step: 'keep-shared' } };
  const replicas = await loadReplicas(deps.catalog, digest);
  const answer = decideBlobPurge({
    version: message,
    references: references.map(({ value }) => value),
    replicas: replicas.map(({ value }) => value),
  });
  if (answer.step === 'wait') return { changes: [], answer };
  const unrefer: Change = {
    kind: 'delete',
    key: ReferenceRow.key(digest, model, version),
    expect: { version: own.version },
  };
  if (answer.step === 'keep-shared') return { changes: [unrefer, ...stillReferred(references, own)], answer };
  const tombstone = await TombstoneRow.get(deps.catalog, model, version);
  const now = deps.clock.now();
  const window = decidePurge(tombstone?.value, now);
  if (window !== 'purge') return { changes: [], answer: { step: 'stay', reason: window } };
  if (blob === undefined || tombstone === undefined) return { changes: [unrefer], answer };
  return {
    changes: [unrefer, ...(await endBlobOf(deps, message, tombstone, { blob, references, replicas, now }))],
    answer,
  };
}

/** Two purges at once must not each leave the blob to the other: of all that leave it, the last one sees that it is the last. */
function stillReferred(references: readonly Versioned<Reference>[], own: Versioned<Reference>): readonly Change[] {
  const other = references.find((one) => one !== own);
  if (other === undefined) return [];
  const { digest, model, version } = other.value;
  return [{ kind: 'check', key: ReferenceRow.key(digest, model, version), expect: { version: other.version } }];
}

/** What was uploaded for the version: exactly the object versions that were published, whatever lies under their keys now. */
async function removeUploads(deps: PurgeDeps, { content }: Tombstone): Promise<void> {
  const { model, version, set } = content;
  const names = content.files.map(({ file, digest }) => ({ file, digest: [digest] }));
  const files = set === undefined ? names : [...names, { file: KeySegment.parse(SET_FILE), digest: [] }];
  for (const { file, digest } of files) {
    const key = uploadKey({ model, version, file });
    const items = await queryAll(deps.catalog, { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
    for (const item of items) {
      const { value } = UploadRow.parse(item);
      const published = value.digest === undefined ? value.set === set : digest.includes(value.digest);
      if (value.state === 'ready' && published) await deps.objects.remove(key, value.versionId);
    }
  }
}

async function end(deps: PurgeDeps, { model, version }: PurgeVersion): Promise<Decided<undefined>> {
  const row = await TombstoneRow.get(deps.catalog, model, version);
  if (row === undefined || row.value.state === 'purged') return { changes: [], answer: undefined };
  const { stuck: _, ...rest } = row.value;
  const purged: Tombstone = { ...rest, state: 'purged', purgedAt: deps.clock.now() };
  return { changes: [TombstoneRow.put(purged, expectationOf(row))], answer: undefined };
}
