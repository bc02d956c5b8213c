import type { DigestUpload } from '../../events/digest-upload/v1.ts';
import { BlobRow, type Upload, UploadRow, settle } from '../catalog/index.ts';
import { PART_RESERVE_MS } from '../copying/index.ts';
import { blobDigest } from '../shared/digest.ts';
import { Bytes } from '../shared/units.ts';
import { closeSet } from './closeSet.ts';
import { type DigestDeps, HOT, type IngestCall, type IngestDeps, type PinnedUpload } from './deps.ts';
import { endDenied } from './deniedUpload.ts';
import { nextHop } from './digestHop.ts';
import { IngestError } from './errors.ts';
import { hashParts, type PartSums } from './hashParts.ts';
import { digestPut, quarantineNotices } from './messages.ts';
import { ensureManifest, ensureOrigin, type OriginWanted } from './originCopy.ts';
import { type Publication, publishUpload } from './publishUpload.ts';
import { reportQuarantine } from './quarantine.ts';
import { sampleObject } from './sampleObject.ts';
import { step, uploadChanges } from './judgedRows.ts';

/**
 * Carries one judged upload on: computes or resumes its digest, copies its bytes to `blobs/<digest>`, publishes. Hands over
 * to the queue before the time is up. Idempotent; a message of an older hop has no effect, and one for an upload that is
 * ready only sees to it that a complete set is closed.
 */
export async function digestUpload(deps: DigestDeps, message: DigestUpload, call: IngestCall): Promise<void> {
  const row = await UploadRow.get(deps.catalog, message.key, message.versionId);
  if (row === undefined) {
    throw new IngestError({
      code: 'unknown-upload',
      message: `The catalog does not know version ${message.versionId} of ${message.key}.`,
      retryable: false,
    });
  }
  const upload = row.value;
  if (upload.state === 'digesting' && message.hop >= upload.hop) await carryOnOrEnd(deps, upload, call);
  await closeOwnSet(deps, message, call);
}

async function carryOnOrEnd(deps: DigestDeps, upload: Upload, call: IngestCall): Promise<void> {
  try {
    await carryOn(deps, upload, call);
  } catch (error) {
    if (!(await endDenied(deps, upload, error, call))) throw error;
  }
}

async function carryOn(deps: DigestDeps, upload: Upload, call: IngestCall): Promise<void> {
  const hashed = await hashParts(deps, upload, call);
  if (hashed.outcome === 'out-of-time') return handOver(deps, upload, call);
  if (hashed.outcome !== 'hashed') return endUnreadable(deps, upload, hashed.outcome, call);
  call.telemetry.metric('BytesHashed', 'Bytes', hashed.bytesRead);
  await publish(deps, upload, hashed, call);
}

/** Manifest, then copy, then the catalog: whatever is in the catalog is already in the bucket. */
async function publish(deps: DigestDeps, upload: Upload, sums: PartSums, call: IngestCall): Promise<void> {
  const { size } = upload;
  const { hashes } = sums;
  const partSize = Bytes.parse(deps.settings.partSize);
  const digest = blobDigest(size, partSize, hashes);
  for (;;) {
    if (call.remainingMs() < PART_RESERVE_MS) return handOver(deps, upload, call);
    const manifest = await ensureManifest(deps, { digest, size, partSize }, sums);
    const blob = (await BlobRow.get(deps.catalog, digest))?.value;
    const bytes = Bytes.parse(size);
    const first = blob === undefined ? await deps.firstPlace({ digest, bytes, model: upload.target?.model }) : HOT;
    const wanted: OriginWanted = { digest, hashes, source: upload, blob, storageClass: first.storageClass };
    const origin = await ensureOrigin(deps, wanted, call);
    if (origin.outcome === 'out-of-time') return handOver(deps, upload, call);
    if (origin.outcome === 'absent' || origin.outcome === 'archived') {
      return endUnreadable(deps, upload, origin.outcome, call);
    }
    const compressibility = blob?.compressibility ?? (await sampleObject(deps, upload));
    if (typeof compressibility === 'string') return endUnreadable(deps, upload, compressibility, call);
    const publication = { pinned: upload, digest, hashes, origin, first, manifest, compressibility };
    if (await endPublication(deps, publication, call)) return;
  }
}

async function endPublication(deps: IngestDeps, publication: Publication, call: IngestCall): Promise<boolean> {
  const settled = await publishUpload(deps, publication);
  if (settled.outcome === 'origin-unknown') return false;
  if (settled.outcome === 'settled') return true;
  const { upload } = settled;
  const { key, versionId, digest, state, target } = upload;
  call.telemetry.info('upload-settled', { key, versionId, digest, state });
  call.telemetry.metric('UploadsSettled', 'Count', 1, { state });
  reportQuarantine(upload, call);
  if (settled.published) {
    call.telemetry.info('version-published', { model: target?.model, version: target?.version });
    call.telemetry.metric('VersionsPublished', 'Count', 1);
  }
  return true;
}

/** The next hop continues with a whole time limit. Of two calls at the same hop one hands over. */
async function handOver(deps: IngestDeps, pinned: PinnedUpload, call: IngestCall): Promise<void> {
  const moved = await move(deps, pinned, nextHop);
  if (moved === undefined) return;
  call.telemetry.info('digest-handed-over', { key: moved.key, versionId: moved.versionId, hop: moved.hop });
  reportQuarantine(moved, call);
}

async function endUnreadable(
  deps: IngestDeps,
  pinned: PinnedUpload,
  outcome: 'absent' | 'archived',
  call: IngestCall,
): Promise<void> {
  const moved = await move(deps, pinned, () =>
    outcome === 'absent'
      ? { state: 'cancelled' }
      : {
          state: 'quarantined',
          quarantine: { reason: 'unscannable', text: 'The object lies in an archived class: upload it into another.' },
        },
  );
  if (moved !== undefined) reportQuarantine(moved, call);
}

/** Moves an upload that is still digesting at the hop that was seen; undefined where somebody else moved it. */
async function move(
  deps: IngestDeps,
  { key, versionId, hop }: PinnedUpload & { readonly hop?: number },
  change: (upload: Upload) => Partial<Upload>,
): Promise<Upload | undefined> {
  return settle(deps.catalog, 'The digest', async () => {
    const row = await UploadRow.get(deps.catalog, key, versionId);
    if (row?.value.state !== 'digesting' || (hop !== undefined && row.value.hop !== hop)) {
      return { changes: [], answer: undefined };
    }
    const now = deps.clock.now();
    const moved: Upload = { ...row.value, ...change(row.value), deniedSince: undefined, movedAt: now };
    const put = await uploadChanges(deps.catalog, row, moved, step('digest-upload'), now);
    const followUp = moved.state === 'digesting' ? [digestPut(moved, now)] : quarantineNotices(moved, now);
    return { changes: [...put, ...followUp], answer: moved };
  });
}

async function closeOwnSet(deps: IngestDeps, pinned: PinnedUpload, call: IngestCall): Promise<void> {
  const upload = (await UploadRow.get(deps.catalog, pinned.key, pinned.versionId))?.value;
  if (upload?.state !== 'ready' || upload.target === undefined || upload.set === undefined) return;
  const { model, version } = upload.target;
  await closeSet(deps, { model, version, set: upload.set }, call);
}
