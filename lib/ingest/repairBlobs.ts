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
import { CompressionError, readPackedIndex } from '../compression/index.ts';
import { blobDigest, blobKey, manifestKey, type PartHash } from '../shared/digest.ts';
import { eachOf } from '../shared/eachOf.ts';
import { CorrelationId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import { DAY_MS } from '../shared/units.ts';
import { blobChanges } from './blobChanges.ts';
import { HOT, type IngestCall, type IngestDeps } from './deps.ts';
import { hashParts, type PartSums, type PinnedObject } from './hashParts.ts';
import { markUnreferenced } from './membership.ts';
import { ensureManifest, ensureOrigin } from './originCopy.ts';
import { pinnedReader, UnreadableUpload } from './pinnedReader.ts';
import { continueScan } from './scan.ts';
import { uploadKey } from './uploadKey.ts';

const REPAIR = CorrelationId.parse('repair-blobs');

const PAGE = 200;
const PAGES_PER_RUN = 500;
const PARALLEL_LOOKS = 16;
const RESERVE_MS = 60_000;
/** A pass that took so long is followed by the next one a hundred times as long after it began, but after a day at the latest. */
const RESTS = 100;

export interface Repairs {
  readonly repaired: number;
  readonly failures: readonly unknown[];
}

/**
 * Looks whether the origin object of each blob is where the catalog says, repairs what is not, and marks what no version refers to.
 * Goes on until its time is up. A blob that fails is passed over, so that it does not hold up those behind it, and looked at again when
 * the scan comes round.
 */
export async function repairBlobs(deps: IngestDeps, call: IngestCall): Promise<Repairs> {
  let repaired = 0;
  const failures: unknown[] = [];
  const enough = () => call.remainingMs() < RESERVE_MS;
  const rest = (tookMs: number) => Math.min(tookMs * RESTS, DAY_MS);
  const attempt = async (row: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      failures.push(error);
      call.telemetry.metric('BlobsNotRepaired', 'Count', 1);
      call.telemetry.error('blob-not-repaired', error, { row });
    }
  };
  /** Answers the first that there is no time for. One after the other: each may read all of its bytes. */
  const repairAll = async (broken: readonly Digest[]): Promise<Digest | undefined> => {
    for (const digest of broken) {
      if (enough()) return digest;
      let done = true;
      await attempt(BlobRow.key(digest).partition, async () => {
        const row = await BlobRow.get(deps.catalog, digest);
        if (row === undefined) return;
        done = await repairBlob(inPartsOf(row.value, deps), row.value, call);
        if (done) repaired += 1;
      });
      // What it has hashed and copied is saved.
      if (!done && enough()) return digest;
    }
    return undefined;
  };
  await continueScan(
    deps.catalog,
    { name: 'blobs', shards: SWEEP_SHARDS, pages: PAGES_PER_RUN, enough, rest },
    async ({ shard, cursor }) => {
      const page = await pageOf(deps.catalog, `SWEEP#${shard}`, cursor);
      const broken: Digest[] = [];
      await eachOf(page.items, PARALLEL_LOOKS, (item) =>
        attempt(item.key.partition, async () => {
          const { digest } = BlobRow.parse(item).value;
          if (await markUnreferenced(deps, digest)) call.telemetry.info('blob-unreferenced', { digest });
          if (!(await isWhole(deps, digest))) broken.push(digest);
        }),
      );
      return (await repairAll(broken.toSorted())) ?? page.next;
    },
    () => deps.clock.now(),
  );
  return { repaired, failures };
}

/** A place in a shard: the least digest of its page, or `<digest>#`, behind a digest. Other releases saved others: they begin anew. */
const PLACE = /^[0-9a-f]{64}#?$/;

async function pageOf(
  catalog: CatalogStore,
  partition: string,
  place: string | undefined,
): Promise<{ readonly items: readonly Item[]; readonly next: string | undefined }> {
  const from = place !== undefined && PLACE.test(place) ? { from: place } : {};
  let page = await catalog.queryIndex('listing', { partition, limit: PAGE, ...from });
  while (page.items.length === 0 && page.cursor !== undefined) {
    page = await catalog.queryIndex('listing', { partition, limit: PAGE, ...from, cursor: page.cursor });
  }
  const last = page.items.at(-1)?.index?.listing?.sort;
  return { items: page.items, next: page.cursor === undefined || last === undefined ? undefined : `${last}#` };
}

/** A blob that is gone meanwhile needs no repair. */
async function isWhole({ catalog, objects }: IngestDeps, digest: Digest): Promise<boolean> {
  const row = await BlobRow.get(catalog, digest);
  if (row === undefined) return true;
  const [origin, manifest] = await Promise.all([
    objects.head(blobKey(digest), row.value.origin.versionId),
    objects.head(manifestKey(digest)),
  ]);
  return origin.outcome === 'found' && manifest.outcome === 'found';
}

/** The digest depends on the part size that the blob was named by. */
function inPartsOf({ partSize }: Blob, deps: IngestDeps): IngestDeps {
  return { ...deps, settings: { ...deps.settings, partSize } };
}

async function repairBlob(deps: IngestDeps, blob: Blob, call: IngestCall): Promise<boolean> {
  if (blob.origin.packed !== undefined) {
    const hashes = await packedHashes(deps, blob);
    // Only its manifest was lost: the index of the packed object has the hashes, and what they make up is the digest.
    if (hashes !== undefined) {
      await ensureManifest(deps, blob, { hashes, crc32c: undefined });
      call.telemetry.warn('blob-repaired', { digest: blob.digest, from: blobKey(blob.digest) });
      return true;
    }
  }
  for (const source of await sources(deps, blob)) {
    const hashed = await hashParts(deps, source, call);
    // Saved progress lets the next scan go on.
    if (hashed.outcome === 'out-of-time') return false;
    if (hashed.outcome !== 'hashed' || blobDigest(blob.size, blob.partSize, hashed.hashes) !== blob.digest) continue;
    return restore(deps, blob, source, hashed, call);
  }
  call.telemetry.metric('BlobsLost', 'Count', 1);
  call.telemetry.error('blob-lost', new Error('no copy of the blob was found in the bucket'), {
    digest: blob.digest,
    versionId: blob.origin.versionId,
  });
  return false;
}

/** Of the parts of a packed origin that can be read; undefined where it is lost, archived or damaged. */
async function packedHashes(
  { objects }: IngestDeps,
  { digest, origin }: Blob,
): Promise<readonly PartHash[] | undefined> {
  const key = blobKey(digest);
  const found = await objects.head(key, origin.versionId);
  if (found.outcome === 'absent') return undefined;
  try {
    const index = await readPackedIndex(pinnedReader(objects, found.head));
    return index.digest === digest ? index.parts.map(({ hash }) => hash) : undefined;
  } catch (error) {
    if (error instanceof CompressionError || error instanceof UnreadableUpload) return undefined;
    throw error;
  }
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
  sums: PartSums,
  call: IngestCall,
): Promise<boolean> {
  const { digest, size, findings, compressibility } = blob;
  const { hashes } = sums;
  const manifest = await ensureManifest(deps, blob, sums);
  const wanted = { digest, hashes, source, blob, storageClass: HOT.storageClass };
  const origin = await ensureOrigin(deps, wanted, call);
  if (origin.outcome === 'kept') return true;
  if (origin.outcome !== 'placed') return false;
  const settled = await settle(deps.catalog, 'The blob', async () => {
    const kept = { findings, compressibility, size, refers: false, correlationId: REPAIR };
    const found = { digest, hashes, origin, first: HOT, manifest, ...kept };
    const changes = await blobChanges(deps, found, deps.clock.now());
    return { changes: changes ?? [], answer: changes !== undefined };
  });
  // The blob was purged meanwhile, or what was found was just being swept: then the next scan copies anew.
  if (!settled) return false;
  call.telemetry.warn('blob-repaired', { digest, from: source.key });
  return true;
}
