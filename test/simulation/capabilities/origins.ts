import {
  ActionRow,
  BlobRow,
  queryAll,
  storedBytes,
  type Replica,
  ReplicaRow,
  startingWith,
  VersionRow,
} from '../../../lib/catalog/index.ts';
import { measureCompressibility } from '../../../lib/compression/index.ts';
import { crc32cHex } from '../../../lib/shared/crc32c/index.ts';
import { crc32cOf } from '../../../lib/shared/crc32c/ofBytes.ts';
import { blobDigest, blobKey, manifestKey, type PartHash, PartManifest, partHash } from '../../../lib/shared/digest.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { originBytes } from '../originBytes.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';
import { rowReader, violated } from '../invariants.ts';

/** What the catalog serves a blob from is in the bucket, whole, never removed, and in the end alone there. */
export function origins({ catalog, bucket, counters }: Stage): Capability {
  const read = rowReader(BlobRow);
  /** How small the bytes of a digest pack. */
  const ratios = new Map<Digest, number>();

  async function onRow({ key, before, after }: RowChange): Promise<void> {
    if (!key.partition.startsWith('BLOB#')) return;
    if (key.sort.startsWith('REPLICA#nvme') && after === undefined) checkOutlived(key);
    if (key.sort !== 'META') return;
    if (after === undefined) {
      purged(Digest.parse(key.partition.slice('BLOB#'.length)));
      return;
    }
    const [was, is] = [before === undefined ? undefined : read(before).origin, read(after).origin];
    if (was !== undefined && was.storageClass !== is.storageClass)
      counters.count(`origin: ${was.storageClass}→${is.storageClass}`);
    if (was?.versionId === is.versionId) return;
    const head = await bucket.head(blobKey(read(after).digest), is.versionId);
    const whole = head.outcome === 'found' && head.head.size === storedBytes(read(after));
    if (!whole) violated(`${key.partition}: the catalog names a copy that is not there whole.`);
  }

  /** What the catalog believes of a host's copy ends before its blob, or at least not in the write that ends that. */
  function checkOutlived({ partition, sort }: RowChange['key']): void {
    const named = [...catalog.committedIn(partition)].some(({ key }) => key.sort === 'META');
    if (!named) violated(`${partition} was deleted although ${sort} was there.`);
  }

  /** A blob ends when nothing refers to it any more: no version, and no copy on a host. */
  function purged(digest: Digest): void {
    counters.count('blob purged');
    for (const item of catalog.committedIn(`BLOB#${digest}`)) {
      const { sort } = item.key;
      if (sort.startsWith('REFERENCE#')) violated(`Blob ${digest} was deleted although ${sort} is there.`);
      if (sort.startsWith('REPLICA#nvme')) violated(`Blob ${digest} was deleted although ${sort} is there.`);
    }
    for (const item of catalog.committed('MODEL#')) {
      if (!item.key.sort.startsWith('VERSION#')) continue;
      const { files, model, version } = VersionRow.parse(item).value;
      if (files.some((file) => file.digest === digest)) violated(`${model}@${version} has lost its blob ${digest}.`);
    }
  }

  async function onRemoval(key: string, versionId: string | undefined): Promise<void> {
    if (!key.startsWith('blobs/')) return;
    const blob = await BlobRow.get(catalog, digestOf(key));
    if (blob === undefined) return;
    const served = key === blobKey(blob.value.digest) ? blob.value.origin.versionId : await currentVersion(key);
    if (versionId === undefined || versionId === served) {
      violated(`${key} (${versionId ?? 'current version'}) was removed while the catalog serves from it.`);
    }
    const reading = ({ state, versionId: read }: Replica) => read === versionId && state === 'reserved';
    if (key === blobKey(blob.value.digest) && (await replicasOf(blob.value.digest)).some(reading)) {
      violated(`${key} (${versionId}) was removed while a host may read it.`);
    }
  }

  async function currentVersion(key: string): Promise<string | undefined> {
    const current = await bucket.head(key);
    return current.outcome === 'found' ? current.head.versionId : undefined;
  }

  /** It exists, has the storage class that the catalog says, and the bytes that its digest names. */
  async function checkOrigin(digest: Digest): Promise<void> {
    const blob = await BlobRow.get(catalog, digest);
    if (blob === undefined) violated(`Blob ${digest} has no row.`);
    const { size, partSize, origin, compressibility } = blob.value;
    const head = await bucket.head(blobKey(digest), origin.versionId);
    if (head.outcome === 'absent')
      violated(`Blob ${digest}: its origin version ${origin.versionId} is not in the bucket.`);
    if (head.head.storageClass !== origin.storageClass) {
      violated(`Blob ${digest}: the catalog says ${origin.storageClass}, the bucket ${head.head.storageClass}.`);
    }
    if (head.head.restore !== undefined) return;
    const hashes: PartHash[] = [];
    const checksums: string[] = [];
    const bytes = await originBytes(bucket, blob.value);
    if (typeof bytes === 'string') violated(`Blob ${digest}: its origin cannot be read (${bytes}).`);
    for (let offset = 0; offset < size; offset += partSize) {
      const part = bytes.subarray(offset, offset + partSize);
      hashes.push(partHash(part));
      checksums.push(crc32cHex(crc32cOf(part)));
    }
    if (blobDigest(size, partSize, hashes) !== digest)
      violated(`Blob ${digest}: the bytes of its origin have another digest.`);
    const told = (await manifestOf(digest))?.crc32c;
    counters.count(`manifest: ${told === undefined ? 'without' : 'with'} CRC-32C`);
    if (told?.some((checksum, part) => checksum !== checksums[part]))
      violated(`Blob ${digest}: its manifest has a CRC-32C that its parts do not have.`);
    // To pack all of them once more costs more than most of a run's checks.
    if (digest >= '4') return;
    const ratio = await ratioOf(digest, bytes);
    // What was packed, also in vain, is known and no estimate any more.
    if (compressibility?.ratio !== ratio && !(await wasPacked(digest))) {
      violated(
        `Blob ${digest}: the catalog says that it packs to ${compressibility?.ratio}, its bytes pack to ${ratio}.`,
      );
    }
  }

  async function ratioOf(digest: Digest, bytes: Buffer): Promise<number> {
    const known = ratios.get(digest);
    if (known !== undefined) return known;
    const read = async (at: number, length: number) => bytes.subarray(at, at + length);
    const { ratio } = await measureCompressibility(bytes.length, read);
    ratios.set(digest, ratio);
    return ratio;
  }

  async function wasPacked(digest: Digest): Promise<boolean> {
    const actions = await catalog.queryIndex('listing', { partition: `ACTIONS#BLOB#${digest}`, limit: 1000 });
    return actions.items.some((item) => ActionRow.parse(item).value.chosen.startsWith('pack '));
  }

  async function manifestOf(digest: Digest): Promise<PartManifest | undefined> {
    const found = await bucket.head(manifestKey(digest));
    if (found.outcome === 'absent') return undefined;
    const { versionId, size } = found.head;
    const read = await bucket.readRange(manifestKey(digest), versionId, 0, size);
    return read.outcome === 'read' ? PartManifest.parse(JSON.parse(Buffer.from(read.bytes).toString())) : undefined;
  }

  /** The catalog equals the bucket: under `blobs/` lies what rows name, one manifest a blob, and nothing that is to be swept. */
  async function checkBucket(): Promise<void> {
    const { versions } = await bucket.listVersions({ prefix: 'blobs/', limit: 1000 });
    const manifests = new Set<string>();
    const there = new Set(versions.map(({ versionId }) => versionId));
    for (const { key, versionId } of versions) {
      if (!(await isNamed(key, versionId))) violated(`No row names version ${versionId} of ${key}.`);
      manifests.add(key);
    }
    for (const { key } of catalog.committed('BLOB#')) {
      const digest = Digest.parse(key.partition.slice('BLOB#'.length));
      if (key.sort === 'META' && !manifests.has(manifestKey(digest))) violated(`Blob ${digest} has no manifest.`);
      const condemned = key.sort.startsWith('ORPHAN#') ? key.sort.split('#')[2] : undefined;
      if (condemned !== undefined && there.has(condemned)) violated(`Version ${condemned} is still condemned.`);
    }
  }

  /** As the origin, as a copy, or as the manifest that readers of the blob find. */
  async function isNamed(key: string, versionId: string): Promise<boolean> {
    const digest = digestOf(key);
    const blob = await BlobRow.get(catalog, digest);
    if (key !== blobKey(digest)) return blob !== undefined && (await currentVersion(key)) === versionId;
    if (blob?.value.origin.versionId === versionId) return true;
    return (await replicasOf(digest)).some((replica) => replica.versionId === versionId);
  }

  async function replicasOf(digest: Digest): Promise<readonly Replica[]> {
    const items = await queryAll(catalog, { partition: `BLOB#${digest}`, ...startingWith('REPLICA#') });
    return items.map((item) => ReplicaRow.parse(item).value);
  }

  return {
    onRow,
    onRemoval,
    async check() {
      await checkBucket();
      for (const item of catalog.committed('BLOB#')) {
        if (item.key.sort === 'META') await checkOrigin(read(item).digest);
      }
    },
  };
}

function digestOf(key: string): Digest {
  return Digest.parse(key.slice('blobs/'.length).replace(/\.parts$/, ''));
}
