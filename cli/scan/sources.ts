import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openRangedFile } from '../../lib/adapters/files/rangedFile.ts';
import type { RangedReader } from '../../lib/scanning/index.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';

export interface Source extends RangedReader {
  unchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/** Something to scan: a name, and a way to open it when its turn comes. */
export interface Target {
  readonly name: string;
  open(): Promise<Source>;
}

const S3_URL = /^s3:\/\/([^/]+)\/(.*)$/;

/** Files as they are named, folders with all regular files below them, objects and prefixes (ending in `/`) of buckets. */
export async function* targetsOf(path: string): AsyncGenerator<Target> {
  const [, bucket, key] = S3_URL.exec(path) ?? [];
  if (bucket !== undefined && key !== undefined) yield* objectTargets(bucket, key);
  else yield* fileTargets(path);
}

/** Links are not followed: a scan of a folder stays in it. */
async function* fileTargets(path: string): AsyncGenerator<Target> {
  const stat = await lstat(path);
  if (!stat.isDirectory()) {
    yield { name: path, open: () => openRangedFile(path) };
    return;
  }
  for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.isDirectory() || entry.isFile()) yield* fileTargets(join(path, entry.name));
  }
}

async function* objectTargets(bucket: string, key: string): AsyncGenerator<Target> {
  // The SDK loads only for buckets: scanning files needs no AWS and starts at once.
  const { createS3Client } = await import('../../lib/adapters/aws/clients.ts');
  const { createS3ObjectStore } = await import('../../lib/adapters/aws/s3ObjectStore.ts');
  const store = createS3ObjectStore({ client: createS3Client(), bucket, verifiesChecksums: true });
  if (key !== '' && !key.endsWith('/')) {
    yield { name: `s3://${bucket}/${key}`, open: () => openObject(store, key) };
    return;
  }
  let cursor: string | undefined;
  do {
    const page = await store.listVersions({ prefix: key, limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
    for (const version of page.versions) {
      if (!version.isLatest || version.isDeleteMarker) continue;
      const name = `s3://${bucket}/${version.key}`;
      yield { name, open: () => openObject(store, version.key, version.versionId) };
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** One pinned version cannot change under the scan. */
async function openObject(store: ObjectStore, key: string, versionId?: string): Promise<Source> {
  const answer = await store.head(key, versionId);
  if (answer.outcome !== 'found') throw new Error('no such object');
  const { head } = answer;
  return {
    size: head.size,
    async read(offset, length) {
      const read = await store.readRange(key, head.versionId, offset, length);
      if (read.outcome !== 'read') throw new Error(`the object is ${read.outcome}`);
      return read.bytes;
    },
    unchanged: () => Promise.resolve(true),
    close: () => Promise.resolve(),
  };
}
