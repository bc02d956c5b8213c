import {
  type Blob,
  BlobRow,
  queryAll,
  ReferenceRow,
  settle,
  startingWith,
  SWEEP_SHARDS,
  UploadRow,
  VersionRow,
} from '../catalog/index.ts';
import { blobDigest, blobKey, manifestKey, type PartHash } from '../shared/digest.ts';
import { blobChanges } from './blobChanges.ts';
import type { IngestCall, IngestDeps } from './deps.ts';
import { hashParts, type PinnedObject } from './hashParts.ts';
import { ensureManifest, ensureOrigin } from './originCopy.ts';
import { continueScan } from './scan.ts';
import { uploadKey } from './uploadKey.ts';

const PAGE = 50;
/** More than there are shards, so that a small catalog is looked through in each run. */
const PAGES_PER_RUN = 20;
const RESERVE_MS = 60_000;

export interface Repairs {
  readonly repaired: number;
  readonly failures: readonly unknown[];
}

/**
 * Looks whether the origin object of each blob is where the catalog says, and repairs what is not. A blob that fails is
 * passed over, so that it does not hold up those behind it, and looked at again when the scan comes round.
 */
export async function repairBlobs(deps: IngestDeps, call: IngestCall): Promise<Repairs> {
  let repaired = 0;
  const failures: unknown[] = [];
  await continueScan(
    deps.catalog,
    { name: 'blobs', shards: SWEEP_SHARDS, pages: call.remainingMs() < RESERVE_MS ? 0 : PAGES_PER_RUN },
    async ({ shard, cursor }) => {
      const page = await deps.catalog.queryIndex('listing', {
        partition: `SWEEP#${shard}`,
        limit: PAGE,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const item of page.items) {
        try {
          const row = await BlobRow.get(deps.catalog, BlobRow.parse(item).value.digest);
          if (row !== undefined && (await repairBlob(inPartsOf(row.value, deps), row.value, call))) repaired += 1;
        } catch (error) {
          failures.push(error);
          call.telemetry.metric('BlobsNotRepaired', 'Count', 1);
          call.telemetry.error('blob-not-repaired', error, { row: item.key.partition });
        }
      }
      return page.cursor;
    },
    () => deps.clock.now(),
  );
  return { repaired, failures };
}

/** The digest depends on the part size that the blob was named by. */
function inPartsOf({ partSize }: Blob, deps: IngestDeps): IngestDeps {
  return { ...deps, settings: { ...deps.settings, partSize } };
}

async function repairBlob(deps: IngestDeps, blob: Blob, call: IngestCall): Promise<boolean> {
  const origin = await deps.objects.head(blobKey(blob.digest), blob.origin.versionId);
  const manifest = await deps.objects.head(manifestKey(blob.digest));
  if (origin.outcome === 'found' && manifest.outcome === 'found') return false;
  for (const source of await sources(deps, blob)) {
    const hashed = await hashParts(deps, source, call);
    // Saved progress lets the next scan go on.
    if (hashed.outcome === 'out-of-time') return false;
    if (hashed.outcome !== 'hashed' || blobDigest(blob.size, blob.partSize, hashed.hashes) !== blob.digest) continue;
    return restore(deps, blob, source, hashed.hashes, call);
  }
  call.telemetry.metric('BlobsLost', 'Count', 1);
  call.telemetry.error('blob-lost', new Error('no copy of the blob was found in the bucket'), {
    digest: blob.digest,
    versionId: blob.origin.versionId,
  });
  return false;
}

/** Where the bytes may still be: the pinned origin, whatever is current under the blob's key, the uploads that it came from. */
async function sources(deps: IngestDeps, blob: Blob): Promise<readonly PinnedObject[]> {
  const key = blobKey(blob.digest);
  const candidates = [
    { key, versionId: blob.origin.versionId },
    { key, versionId: undefined },
    ...(await uploadsOf(deps, blob)),
  ];
  const found: PinnedObject[] = [];
  for (const candidate of candidates) {
    const answer = await deps.objects.head(candidate.key, candidate.versionId);
    if (answer.outcome === 'found' && answer.head.size === blob.size) found.push(answer.head);
  }
  return found;
}

async function uploadsOf(deps: IngestDeps, { digest }: Blob): Promise<readonly { key: string; versionId: string }[]> {
  const references = await queryAll(deps.catalog, { partition: `BLOB#${digest}`, ...startingWith('REFERENCE#') });
  const uploads: { key: string; versionId: string }[] = [];
  for (const item of references) {
    const { model, version } = ReferenceRow.parse(item).value;
    const published = (await VersionRow.get(deps.catalog, model, version))?.value;
    for (const { file } of published?.files.filter((candidate) => candidate.digest === digest) ?? []) {
      const partition = `UPLOAD#${uploadKey({ model, version, file })}`;
      const rows = await queryAll(deps.catalog, { partition, ...startingWith('VERSION#') });
      uploads.push(...rows.map((row) => UploadRow.parse(row).value).filter((upload) => upload.digest === digest));
    }
  }
  return uploads;
}

async function restore(
  deps: IngestDeps,
  blob: Blob,
  source: PinnedObject,
  hashes: readonly PartHash[],
  call: IngestCall,
): Promise<boolean> {
  const { digest, size, partSize, findings } = blob;
  const parts = { schema: 'strata-parts-1' as const, digest, size, partSize, parts: [...hashes] };
  const manifest = await ensureManifest(deps, parts);
  const origin = await ensureOrigin(deps, { digest, hashes, source, blob }, call);
  if (origin.outcome === 'kept') return true;
  if (origin.outcome !== 'placed') return false;
  const settled = await settle(deps.catalog, 'The blob', async () => {
    const found = { digest, hashes, origin, manifest, findings, size, refers: false };
    const changes = await blobChanges(deps, found, deps.clock.now());
    return { changes: changes ?? [], answer: changes !== undefined };
  });
  // The blob was purged meanwhile, or what was found was just being swept: then the next scan copies anew.
  if (!settled) return false;
  call.telemetry.warn('blob-repaired', { digest, from: source.key });
  return true;
}
