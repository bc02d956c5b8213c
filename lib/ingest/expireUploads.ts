import { SET_FILE } from '../../events/upload-set/v1.ts';
import {
  type Blob,
  BlobRow,
  type Decided,
  dueShards,
  settle,
  storedBytes,
  TombstoneRow,
  UPLOAD_SHARDS,
  type Upload,
  UploadRow,
  type Version,
  VersionRow,
  type Versioned,
  visitDue,
} from '../catalog/index.ts';
import { blobKey, manifestKey } from '../shared/digest.ts';
import type { Change, Item } from '../shared/ports/catalogStore.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import type { SweepMode } from '../shared/sweepMode.ts';
import { type DurationMs, EpochMs } from '../shared/units.ts';
import { decideRemoval, type RemovalDecision } from './decideRemoval.ts';
import type { IngestCall, IngestDeps, PinnedUpload } from './deps.ts';
import { IngestError } from './errors.ts';
import { step, uploadChanges } from './judgedRows.ts';
import { withdrawal } from './membership.ts';

const EXPIRE = step('expire-uploads');

export interface ExpireDeps extends Pick<IngestDeps, 'catalog' | 'clock'> {
  readonly objects: Pick<ObjectStore, 'head' | 'remove'>;
  readonly settings: {
    readonly uploadSweep: SweepMode;
    readonly uploadGraceMs: DurationMs;
    readonly refusedKeepMs: DurationMs;
  };
}

const PAGE = 100;
const PAGES_PER_SHARD = 200;
const PARALLEL = 8;
const RESERVE_MS = 30_000;

/**
 * Deletes the bytes under `uploads/` that are not needed any more, as `decideRemoval` says by the moment of the schedule; exactly the
 * version that was judged, whatever lies under its key now. The row says so first: from then on nothing else is done with the upload, and
 * a run that was cut off is finished by the next. One that fails holds up no other; then `IngestError` `not-expired` (retryable) is
 * thrown at the end.
 */
export async function expireUploads(deps: ExpireDeps, at: EpochMs, call: IngestCall): Promise<void> {
  const { uploadSweep: mode, uploadGraceMs, refusedKeepMs } = deps.settings;
  if (mode === 'off') return;
  const failures: unknown[] = [];
  const shards = (kind: string, ageMs: number) =>
    dueShards(UPLOAD_SHARDS, (shard) => ({
      partition: `DUE#${kind}#${shard}`,
      until: EpochMs.parse(Math.max(0, at - ageMs)),
      visit: (item) => expire(deps, item, at, call),
    }));
  await visitDue(deps, [...shards('READY', uploadGraceMs), ...shards('REFUSED', refusedKeepMs)], {
    pageItems: PAGE,
    pages: PAGES_PER_SHARD,
    parallel: PARALLEL,
    enough: () => call.remainingMs() < RESERVE_MS,
    failed(error, { key }) {
      failures.push(error);
      call.telemetry.metric('UploadsNotExpired', 'Count', 1);
      call.telemetry.error('upload-not-expired', error, { row: key.partition, sort: key.sort });
    },
  });
  if (failures.length === 0) return;
  throw new IngestError({
    code: 'not-expired',
    message: `${failures.length} uploads could not be deleted; see \`upload-not-expired\` in the log. The next run tries again.`,
    retryable: true,
    cause: new AggregateError(failures),
  });
}

async function expire(deps: ExpireDeps, item: Item, at: EpochMs, call: IngestCall): Promise<void> {
  const pinned = UploadRow.parse(item).value;
  const { key, versionId, size } = pinned;
  const dryRun = deps.settings.uploadSweep !== 'on';
  const { action, reason } = await settle(deps.catalog, 'The upload', async () => {
    const decided = await begin(deps, pinned, at);
    return dryRun ? { ...decided, changes: [] } : decided;
  });
  call.telemetry.metric('UploadsExpired', 'Count', 1, { action, reason });
  if (action === 'keep') return;
  call.telemetry.info('upload-expired', { key, versionId, reason, bytes: size, mode: deps.settings.uploadSweep });
  if (dryRun) return;
  await deps.objects.remove(key, versionId);
  await settle(deps.catalog, 'The upload', () => finish(deps, pinned));
  call.telemetry.metric('UploadBytesDeleted', 'Bytes', size, { reason });
}

async function begin(
  deps: ExpireDeps,
  { key, versionId }: PinnedUpload,
  at: EpochMs,
): Promise<Decided<RemovalDecision>> {
  const row = await UploadRow.get(deps.catalog, key, versionId);
  if (row === undefined) return { changes: [], answer: { action: 'keep', reason: 'gone' } };
  const upload = row.value;
  const { published, tombstone } = await versionOf(deps, upload);
  const blob = upload.digest === undefined ? undefined : await BlobRow.get(deps.catalog, upload.digest);
  const facts = {
    upload,
    published: published?.value,
    tombstone,
    now: at,
    graceMs: deps.settings.uploadGraceMs,
    keepMs: deps.settings.refusedKeepMs,
  };
  // The bucket is asked only where everything else speaks for the removal: what is held stays due for years.
  const wanted = decideRemoval({ ...facts, copyIsWhole: true });
  const byCopy = upload.removal === undefined && wanted.reason === 'published';
  const answer = byCopy
    ? decideRemoval({ ...facts, copyIsWhole: await isWhole(deps, upload, published?.value, blob?.value) })
    : wanted;
  if (answer.action === 'keep' || upload.removal !== undefined) return { changes: [], answer };
  const now = deps.clock.now();
  const removing: Upload = { ...upload, removal: { at: now, reason: answer.reason, done: false } };
  if (answer.reason === 'never-published') {
    // As if its owner had deleted it: it leaves its set.
    const left = await withdrawal(deps.catalog, { ...row, value: removing }, { state: 'cancelled' }, now);
    if (left.length > 0) return { changes: left, answer };
  }
  // A purge, a repair or another verdict at the same moment is looked at again.
  const still: readonly Change[] =
    blob === undefined
      ? []
      : [{ kind: 'check', key: BlobRow.key(blob.value.digest), expect: { version: blob.version } }];
  return { changes: [...(await uploadChanges(deps.catalog, row, removing, EXPIRE, now)), ...still], answer };
}

async function versionOf({ catalog }: ExpireDeps, { target }: Upload) {
  if (target === undefined) return { published: undefined, tombstone: undefined };
  const published: Versioned<Version> | undefined = await VersionRow.get(catalog, target.model, target.version);
  if (published !== undefined) return { published, tombstone: undefined };
  const buried = await TombstoneRow.get(catalog, target.model, target.version);
  return {
    published: buried === undefined ? undefined : { value: buried.value.content, version: buried.version },
    tombstone: buried?.value.state,
  };
}

/** Whether the bucket has what the catalog serves instead of the upload, now. */
async function isWhole(
  { objects }: ExpireDeps,
  { state, target }: Upload,
  published: Version | undefined,
  blob: Blob | undefined,
): Promise<boolean> {
  if (target?.file === SET_FILE) return true;
  if (state !== 'ready' || published === undefined || blob === undefined) return false;
  const origin = await objects.head(blobKey(blob.digest), blob.origin.versionId);
  if (origin.outcome !== 'found' || origin.head.size !== storedBytes(blob)) return false;
  return (await objects.head(manifestKey(blob.digest))).outcome === 'found';
}

async function finish({ catalog, clock }: ExpireDeps, { key, versionId }: PinnedUpload): Promise<Decided<undefined>> {
  const row = await UploadRow.get(catalog, key, versionId);
  const removal = row?.value.removal;
  if (row === undefined || removal === undefined || removal.done) return { changes: [], answer: undefined };
  const done: Upload = { ...row.value, removal: { ...removal, at: clock.now(), done: true } };
  return { changes: await uploadChanges(catalog, row, done, EXPIRE, clock.now()), answer: undefined };
}
