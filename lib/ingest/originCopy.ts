import { type Blob, isDoomed, storedBytes } from '../catalog/index.ts';
import { copyResumably } from '../copying/index.ts';
import { blobKey, manifestIsSound, manifestKey, PartManifest, type PartHash } from '../shared/digest.ts';
import type { Digest, StorageClass } from '../shared/ids.ts';
import type { CopyOutcome, ObjectStore } from '../shared/ports/objectStore.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { IngestError } from './errors.ts';
import { hashParts, type PartSums, type PinnedObject, verifiedSums } from './hashParts.ts';

/**
 * Sees to it that `blobs/<digest>.parts` is there and answers the version that was written or found. One that is there must
 * be sound, have no other CRC-32C than those that were computed, and not be about to be swept; else a new version covers it.
 */
export async function ensureManifest(
  deps: ObjectsOfCatalog,
  { digest, size, partSize }: Pick<Blob, 'digest' | 'size' | 'partSize'>,
  { hashes, crc32c }: PartSums,
): Promise<string> {
  const key = manifestKey(digest);
  const manifest: PartManifest = {
    schema: 'strata-parts-1',
    digest,
    size,
    partSize,
    parts: [...hashes],
    ...(crc32c === undefined ? {} : { crc32c: [...crc32c] }),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const first = await deps.objects.write(key, bytes, { onlyIf: 'absent' });
  if (first.outcome === 'written') return first.versionId;
  if (first.outcome === 'busy') throw busy(key);
  const found = await soundManifest(deps.objects, manifest);
  if (found !== undefined && !(await isDoomed(deps.catalog, digest, 'manifest', found))) return found;
  const second = await deps.objects.write(key, bytes);
  if (second.outcome !== 'written') throw busy(key);
  return second.versionId;
}

type ObjectsOfCatalog = Pick<IngestDeps, 'catalog' | 'objects'>;

async function soundManifest(objects: ObjectStore, manifest: PartManifest): Promise<string | undefined> {
  const key = manifestKey(manifest.digest);
  const answer = await objects.head(key);
  if (answer.outcome === 'absent') return undefined;
  const { versionId, size } = answer.head;
  const read = await objects.readRange(key, versionId, 0, size);
  if (read.outcome !== 'read') return undefined;
  try {
    const found = PartManifest.safeParse(JSON.parse(Buffer.from(read.bytes).toString('utf8')));
    const sound = found.success && found.data.digest === manifest.digest && manifestIsSound(found.data);
    return sound && sameChecksums(found.data.crc32c, manifest.crc32c) ? versionId : undefined;
  } catch {
    return undefined;
  }
}

/** The digest does not cover them, so one that was not computed here may be wrong; none at all is no contradiction. */
function sameChecksums(found: PartManifest['crc32c'], computed: PartManifest['crc32c']): boolean {
  if (found === undefined || computed === undefined) return true;
  return found.every((checksum, part) => checksum === computed[part]);
}

export interface OriginWanted {
  readonly digest: Digest;
  readonly hashes: readonly PartHash[];
  /** The pinned upload that holds the bytes. */
  readonly source: PinnedObject;
  /** The catalog's row of the blob, where there is one. */
  readonly blob: Blob | undefined;
  /** Of a copy that must be made. */
  readonly storageClass: StorageClass;
}

export type OriginOutcome =
  | { readonly outcome: 'kept' }
  /** A verified object that the catalog does not know yet; `lost` is the version that its row names in vain. */
  | { readonly outcome: 'placed'; readonly versionId: string; readonly lost: string | undefined }
  | { readonly outcome: 'out-of-time' }
  /** Of the upload. */
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'archived' };

/**
 * Sees to it that `blobs/<digest>` holds the bytes, and answers the version that was verified.
 *
 * What "verified" means: a copy made just now is the store's own copy of the pinned version whose parts were hashed; its
 * size is compared, and its part hashes where the store computed them. An object that was there before is believed only on
 * the catalog's row for that version; without one its part hashes must match, the store's own or computed from its bytes.
 * An object that does not match, or that the sweep of orphans has begun to delete, is covered by a new version.
 */
export async function ensureOrigin(deps: IngestDeps, wanted: OriginWanted, call: IngestCall): Promise<OriginOutcome> {
  const key = blobKey(wanted.digest);
  const lost = wanted.blob?.origin.versionId;
  if (wanted.blob !== undefined) {
    const pinned = await deps.objects.head(key, wanted.blob.origin.versionId);
    if (pinned.outcome === 'found' && pinned.head.size === storedBytes(wanted.blob)) return { outcome: 'kept' };
  }
  // A copy that was begun is gone on with only into the class that it was begun for.
  const purpose = wanted.storageClass === 'STANDARD' ? 'publish' : `publish-${wanted.storageClass}`;
  const copying = { digest: wanted.digest, purpose, source: wanted.source };
  const options = { storageClass: wanted.storageClass, metadata: {} };
  const first = await copyResumably(deps, { ...copying, options: { ...options, onlyIf: 'absent' } }, call.remainingMs);
  if (first.outcome !== 'exists') return settleCopy(deps, wanted, first);
  const current = await deps.objects.head(key);
  if (current.outcome === 'absent') throw busy(key);
  const { versionId, size, storageClass } = current.head;
  const doomed = await isDoomed(deps.catalog, wanted.digest, 'bytes', versionId);
  // The copy of a transition that did not come to its end lies in its own class.
  if (size === wanted.source.size && storageClass === wanted.storageClass && !doomed) {
    const found = await hashParts(deps, { key, versionId, size }, call);
    if (found.outcome === 'out-of-time') return found;
    if (found.outcome === 'hashed' && sameHashes(found.hashes, wanted.hashes))
      return { outcome: 'placed', versionId, lost };
  }
  call.telemetry.warn(doomed ? 'origin-being-swept' : 'origin-differs', { key, versionId });
  const second = await copyResumably(deps, { ...copying, options }, call.remainingMs);
  return settleCopy(deps, wanted, second);
}

async function settleCopy(deps: IngestDeps, wanted: OriginWanted, copied: CopyOutcome): Promise<OriginOutcome> {
  const key = blobKey(wanted.digest);
  switch (copied.outcome) {
    case 'busy':
    case 'exists':
      throw busy(key);
    case 'unfinished':
      return { outcome: 'out-of-time' };
    case 'source-absent':
      return { outcome: 'absent' };
    case 'source-archived':
      return { outcome: 'archived' };
    default:
      return verifyCopy(deps, wanted, copied);
  }
}

async function verifyCopy(
  deps: IngestDeps,
  { digest, hashes, source, blob }: OriginWanted,
  { versionId, size }: { readonly versionId: string; readonly size: number },
): Promise<OriginOutcome> {
  const key = blobKey(digest);
  const verified = await verifiedSums(deps, { key, versionId, size });
  if (size === source.size && (verified === undefined || sameHashes(verified.hashes, hashes))) {
    return { outcome: 'placed', versionId, lost: blob?.origin.versionId };
  }
  // Nothing refers to this version: it was made a moment ago and is not in the catalog.
  await deps.objects.remove(key, versionId);
  throw new IngestError({
    code: 'copy-differs',
    message: `The copy ${key} differs from its source and was removed. It is copied again.`,
    retryable: true,
  });
}

function sameHashes(a: readonly PartHash[], b: readonly PartHash[]): boolean {
  return a.length === b.length && a.every((hash, index) => hash === b[index]);
}

function busy(key: string): IngestError {
  return new IngestError({
    code: 'object-busy',
    message: `Others are writing ${key} at this moment. Try again.`,
    retryable: true,
  });
}
