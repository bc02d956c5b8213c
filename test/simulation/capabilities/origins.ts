import { BlobRow } from '../../../lib/catalog/index.ts';
import { blobDigest, blobKey, partHash } from '../../../lib/shared/digest.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';

/** The copy in the bucket that the catalog serves a blob from is there, whole, and never removed. */
export function origins({ catalog, bucket, counters }: Stage): Capability {
  const read = rowReader(BlobRow);

  function onRow({ key, before, after }: RowChange): void {
    if (!key.partition.startsWith('BLOB#') || key.sort !== 'META') return;
    if (after === undefined) violated(`${key.partition}: a blob row was deleted.`);
    if (before === undefined) return;
    const [was, is] = [read(before).origin.storageClass, read(after).origin.storageClass];
    if (was !== is) counters.count(`origin: ${was}→${is}`);
  }

  async function onRemoval(key: string, versionId: string | undefined): Promise<void> {
    const digest = digestOfKey(key);
    const blob = digest === undefined ? undefined : await BlobRow.get(catalog, digest);
    if (blob !== undefined && (versionId === undefined || versionId === blob.value.origin.versionId)) {
      violated(
        `The origin copy ${key} (${versionId ?? 'current version'}) was removed while the catalog serves from it.`,
      );
    }
  }

  /** It exists, has the storage class that the catalog says, and the bytes that its digest names. */
  async function checkOrigin(digest: Digest): Promise<void> {
    const blob = await BlobRow.get(catalog, digest);
    if (blob === undefined) violated(`Blob ${digest} has no row.`);
    const { size, partSize, origin } = blob.value;
    const head = await bucket.head(blobKey(digest), origin.versionId);
    if (head.outcome === 'absent')
      violated(`Blob ${digest}: its origin version ${origin.versionId} is not in the bucket.`);
    if (head.head.storageClass !== origin.storageClass) {
      violated(`Blob ${digest}: the catalog says ${origin.storageClass}, the bucket ${head.head.storageClass}.`);
    }
    if (head.head.restore !== undefined) return;
    const hashes = [];
    for (let offset = 0; offset < size; offset += partSize) {
      const read = await bucket.readRange(blobKey(digest), origin.versionId, offset, Math.min(partSize, size - offset));
      if (read.outcome !== 'read') violated(`Blob ${digest}: its origin cannot be read (${read.outcome}).`);
      hashes.push(partHash(read.bytes));
    }
    if (blobDigest(size, partSize, hashes) !== digest)
      violated(`Blob ${digest}: the bytes of its origin have another digest.`);
  }

  /** No blob is hidden by a delete marker; copies that the catalog does not serve from are counted. */
  async function checkBucket(): Promise<void> {
    const { versions } = await bucket.listVersions({ prefix: 'blobs/', limit: 1000 });
    for (const { key, versionId, isDeleteMarker } of versions) {
      const digest = digestOfKey(key);
      if (digest === undefined) continue;
      if (isDeleteMarker) violated(`${key} is hidden by a delete marker.`);
      const blob = await BlobRow.get(catalog, digest);
      // A copy that nobody serves from: made for an upload that lost the race for its version, or by a transition that died
      // between its copy and its switch. Paid for and not swept yet (docs/progress.md), but never the one that is served.
      if (blob?.value.origin.versionId !== versionId) counters.count('orphan copy');
    }
  }

  return {
    onRow,
    onRemoval,
    async check() {
      for (const item of catalog.committed('BLOB#')) {
        if (item.key.sort === 'META') await checkOrigin(read(item).digest);
      }
      await checkBucket();
    },
  };
}

function digestOfKey(key: string): Digest | undefined {
  return key.startsWith('blobs/') ? Digest.safeParse(key.slice('blobs/'.length)).data : undefined;
}
