import { describe, expect, it } from 'vitest';
import { BlobRow, queryAll, ReferenceRow, startingWith, UploadRow, VersionRow } from '../../lib/catalog/index.ts';
import { purgeDue } from '../../lib/deletion/index.ts';
import { ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { Item } from '../../lib/shared/ports/catalogStore.ts';
import { DAY_MS, HOUR_MS } from '../../lib/shared/units.ts';
import { createIngestPlane, type IngestPlane, safetensors } from '../support/ingestPlane.ts';

const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';
const TINY = ModelName.parse('tiny');
const V1 = SemVer.parse('1.0.0');

async function uploadItem(plane: IngestPlane): Promise<Item> {
  const [item] = await queryAll(plane.catalog, { partition: `UPLOAD#${KEY}`, ...startingWith('VERSION#') });
  return item ?? expect.fail('nothing is known of the upload');
}

/** Leaves the row as a release wrote it that knew no index `due` for it. */
async function forgetDue(plane: IngestPlane): Promise<Item> {
  const { key, body, index, version } = await uploadItem(plane);
  const listing = index?.listing ?? expect.fail('the upload is not listed');
  await plane.catalog.transact([{ kind: 'put', item: { key, body, index: { listing } }, expect: { version } }]);
  return uploadItem(plane);
}

async function older(bytes: Uint8Array) {
  const plane = await createIngestPlane();
  await plane.upload(KEY, bytes);
  await plane.settle();
  await forgetDue(plane);
  return plane;
}

describe('the row of an upload that an older release wrote', () => {
  it.each([
    ['published', safetensors(200), 7 * DAY_MS],
    ['refused', safetensors(200).subarray(0, 100), 90 * DAY_MS],
  ] as const)('is indexed by the reconciler, so that what is %s is deleted in time', async (_what, bytes, keptMs) => {
    const plane = await older(bytes);
    await plane.clock.advance(keptMs);
    await plane.expireUploads();
    expect(UploadRow.parse(await uploadItem(plane)).value.removal).toBeUndefined();
    await plane.reconcile();
    await plane.expireUploads();
    expect(UploadRow.parse(await uploadItem(plane)).value.removal?.done).toBe(true);
    expect((await plane.objects.listVersions({ prefix: 'uploads/', limit: 10 })).versions).toEqual([]);
  });

  it('is looked for once a week, and written only where an index lacks it', async () => {
    const plane = await older(safetensors(200));
    await plane.reconcile();
    const { version } = await uploadItem(plane);
    await forgetDue(plane);
    await plane.clock.advance(7 * DAY_MS - 1);
    await plane.reconcile();
    expect(UploadRow.isIndexed(await uploadItem(plane))).toBe(false);
    await plane.clock.advance(1);
    await plane.reconcile();
    expect(await uploadItem(plane)).toMatchObject({ version: version + 2 });
    await plane.clock.advance(8 * DAY_MS);
    await plane.reconcile();
    expect((await uploadItem(plane)).version).toBe(version + 2);
    expect(UploadRow.isIndexed(await uploadItem(plane))).toBe(true);
  });
});

it('a blob without a version that an older release left is found by the reconciler, and purged after the undo window', async () => {
  const plane = await createIngestPlane();
  plane.queues.define('purge');
  await plane.upload(KEY, safetensors(200));
  await plane.settle();
  const digest = (await VersionRow.get(plane.catalog, TINY, V1))?.value.files[0]?.digest ?? expect.fail();
  const reference = (await ReferenceRow.get(plane.catalog, digest, TINY, V1)) ?? expect.fail();
  const blobOf = async () => (await BlobRow.get(plane.catalog, digest))?.value ?? expect.fail();
  const purges = () => purgeDue({ ...plane.deps }, plane.clock.now(), () => 60_000);
  await plane.reconcile();
  expect(await blobOf()).not.toHaveProperty('unreferencedAt');
  const key = ReferenceRow.key(digest, TINY, V1);
  await plane.catalog.transact([{ kind: 'delete', key, expect: { version: reference.version } }]);
  await plane.clock.advance(30 * DAY_MS);
  expect(await purges()).toBe(0);
  await plane.reconcile();
  expect((await blobOf()).unreferencedAt).toBe(plane.clock.now());
  await plane.clock.advance(7 * DAY_MS + 2 * HOUR_MS);
  await plane.reconcile();
  expect(await purges()).toBe(1);
});
