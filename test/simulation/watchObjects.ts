import type { FileObjectStore } from '../../lib/adapters/embedded/fileObjectStore.ts';
import { BlobRow } from '../../lib/catalog/index.ts';
import { blobDigest, blobKey, partHash } from '../../lib/shared/digest.ts';
import { Digest } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { type Counters, violated } from './watch.ts';

/** Watches what is removed from the bucket: the copy that the catalog serves from is never among it. */
export function watchObjects(
  objects: FileObjectStore,
  catalog: CatalogStore,
  counters: Counters,
  changed: () => void,
): FileObjectStore {
  return {
    ...objects,
    async write(...args) {
      const outcome = await objects.write(...args);
      changed();
      return outcome;
    },
    async copy(...args) {
      const outcome = await objects.copy(...args);
      changed();
      return outcome;
    },
    async remove(key, versionId) {
      await counters.watch(() => checkRemoval(catalog, key, versionId));
      await objects.remove(key, versionId);
      changed();
    },
  };
}

async function checkRemoval(catalog: CatalogStore, key: string, versionId: string | undefined): Promise<void> {
  const digest = key.startsWith('blobs/') ? Digest.safeParse(key.slice('blobs/'.length)).data : undefined;
  const blob = digest === undefined ? undefined : await BlobRow.get(catalog, digest);
  if (blob !== undefined && (versionId === undefined || versionId === blob.value.origin.versionId)) {
    violated(
      `The origin copy ${key} (${versionId ?? 'current version'}) was removed while the catalog serves from it.`,
    );
  }
}

/** The origin copy that the catalog names exists, is whole, and has the bytes that its digest names. */
export async function checkOrigin(objects: FileObjectStore, catalog: CatalogStore, digest: Digest): Promise<void> {
  const blob = await BlobRow.get(catalog, digest);
  if (blob === undefined) violated(`Blob ${digest} has no row.`);
  const { size, partSize, origin } = blob.value;
  const head = await objects.head(blobKey(digest), origin.versionId);
  if (head.outcome === 'absent')
    violated(`Blob ${digest}: its origin version ${origin.versionId} is not in the bucket.`);
  if (head.head.storageClass !== origin.storageClass) {
    violated(`Blob ${digest}: the catalog says ${origin.storageClass}, the bucket ${head.head.storageClass}.`);
  }
  if (head.head.restore !== undefined) return;
  const hashes = [];
  for (let offset = 0; offset < size; offset += partSize) {
    const read = await objects.readRange(blobKey(digest), origin.versionId, offset, Math.min(partSize, size - offset));
    if (read.outcome !== 'read') violated(`Blob ${digest}: its origin cannot be read (${read.outcome}).`);
    hashes.push(partHash(read.bytes));
  }
  if (blobDigest(size, partSize, hashes) !== digest)
    violated(`Blob ${digest}: the bytes of its origin have another digest.`);
}
