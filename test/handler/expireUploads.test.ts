import { describe, expect, it } from 'vitest';
import { createPurgeHandler } from '../../functions/purge/handler.ts';
import {
  BlobRow,
  queryAll,
  SetFileRow,
  startingWith,
  shardOf,
  type Upload,
  UPLOAD_SHARDS,
  UploadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { deleteVersion, holdVersion } from '../../lib/deletion/index.ts';
import { generateKeyPair } from '../../lib/fleet/index.ts';
import { releaseUpload } from '../../lib/ingest/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { CorrelationId, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { sqsBatch, testContext } from '../support/envelopes.ts';
import { countingRandom } from '../support/fleetWorld.ts';
import { createIngestPlane, type IngestPlane, type IngestPlaneOptions, safetensors } from '../support/ingestPlane.ts';
import { createInterruption } from '../support/interruption.ts';
import { unreadableRows } from '../support/unreadableRows.ts';

const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';
const SET = '0f9c2f5e-6a43-4f0e-9a55-111111111111';
const SET_MEMBER = 'uploads/tiny/1.0.0/a.safetensors';
const TINY = ModelName.parse('tiny');
const V1 = SemVer.parse('1.0.0');

async function versionsUnder(plane: IngestPlane, prefix = 'uploads/'): Promise<readonly string[]> {
  const { versions } = await plane.objects.listVersions({ prefix, limit: 100 });
  return versions.map(({ key }) => key);
}

async function uploadOf(plane: IngestPlane, key = KEY): Promise<Upload> {
  const [item] = await queryAll(plane.catalog, { partition: `UPLOAD#${key}`, ...startingWith('VERSION#') });
  return UploadRow.parse(item ?? expect.fail(`nothing is known of ${key}`)).value;
}

async function published(options: IngestPlaneOptions = {}) {
  const plane = await createIngestPlane(options);
  await plane.upload(KEY, safetensors(200));
  await plane.settle();
  expect(await VersionRow.get(plane.catalog, TINY, V1)).toBeDefined();
  return plane;
}

async function expireAfter(plane: IngestPlane, ms: number) {
  await plane.clock.advance(ms);
  await plane.expireUploads();
  await plane.settle();
}

describe('a published upload', () => {
  it('is deleted a week later, and its version is served as before', async () => {
    const plane = await published();
    await expireAfter(plane, 7 * DAY_MS - MINUTE_MS);
    expect(await versionsUnder(plane)).toEqual([KEY]);
    await expireAfter(plane, MINUTE_MS);
    expect(await versionsUnder(plane)).toEqual([]);
    expect(await uploadOf(plane)).toMatchObject({ state: 'ready', removal: { reason: 'published', done: true } });
    const { digest = expect.fail() } = await uploadOf(plane);
    const { origin } = (await BlobRow.get(plane.catalog, digest))?.value ?? expect.fail();
    expect(await plane.objects.head(blobKey(digest), origin.versionId)).toMatchObject({ outcome: 'found' });
    expect(await VersionRow.get(plane.catalog, TINY, V1)).toBeDefined();
    await plane.reconcile();
    await expireAfter(plane, HOUR_MS);
    expect(plane.telemetry.metrics.filter(({ name }) => name === 'UploadBytesDeleted')).toHaveLength(1);
  });

  it('is deleted as that version which was published, not as what lies under its key now', async () => {
    const plane = await published();
    await plane.clock.advance(6 * DAY_MS);
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    await expireAfter(plane, DAY_MS);
    const { versions } = await plane.objects.listVersions({ prefix: KEY, limit: 10 });
    expect(versions).toMatchObject([{ isLatest: true, isDeleteMarker: false }]);
  });

  it('stays while its copy is lost, from which it is repaired, and goes after that', async () => {
    const plane = await published();
    const { digest = expect.fail() } = await uploadOf(plane);
    const { origin } = (await BlobRow.get(plane.catalog, digest))?.value ?? expect.fail();
    await plane.objects.remove(blobKey(digest), origin.versionId);
    await expireAfter(plane, 8 * DAY_MS);
    expect(await versionsUnder(plane)).toEqual([KEY]);
    await plane.reconcile();
    await expireAfter(plane, HOUR_MS);
    expect(await versionsUnder(plane)).toEqual([]);
  });

  it('stays under a legal hold, for which the bucket is not asked', async () => {
    let heads = 0;
    const plane = await published({
      objects: (store) => ({
        ...store,
        head: (key, versionId) => {
          heads += 1;
          return store.head(key, versionId);
        },
      }),
    });
    const held = { model: TINY, version: V1, now: plane.clock.now(), dryRun: false };
    await holdVersion(plane.catalog, { ...held, change: { kind: 'hold', reason: 'case 7' } });
    heads = 0;
    await expireAfter(plane, 400 * DAY_MS);
    expect(heads).toBe(0);
    expect(await versionsUnder(plane)).toEqual([KEY]);
    await holdVersion(plane.catalog, { ...held, change: { kind: 'release' } });
    await expireAfter(plane, HOUR_MS);
    expect(await versionsUnder(plane)).toEqual([]);
  });

  it.each(['dry-run', 'off'] as const)('stays where the sweep is %s', async (uploadSweep) => {
    const plane = await published({ uploadSweep });
    await expireAfter(plane, 400 * DAY_MS);
    expect(await versionsUnder(plane)).toEqual([KEY]);
    expect((await uploadOf(plane)).removal).toBeUndefined();
    const told = plane.telemetry.records.filter(({ event }) => event === 'upload-expired');
    expect(told).toHaveLength(uploadSweep === 'dry-run' ? 1 : 0);
  });

  it('is gone before its deleted version is purged, which finds nothing amiss', async () => {
    const plane = await published();
    await expireAfter(plane, 7 * DAY_MS);
    const random = countingRandom();
    const key = generateKeyPair('plane-1', random);
    const commandKeys = { current: async () => key, published: async () => [key] };
    const settings = { ...plane.deps.settings, commandTtlMs: HOUR_MS };
    const correlationId = CorrelationId.parse('test');
    const deletion = { model: TINY, version: V1, undoDays: 0, correlationId, dryRun: false };
    await deleteVersion(plane.catalog, { ...deletion, now: plane.clock.now() });
    const purge = createPurgeHandler({ ...plane.deps, random, commandKeys, settings });
    const message = { schema: 'purge-version/1', model: TINY, version: V1, correlationId };
    expect((await purge(sqsBatch([message]), testContext())).batchItemFailures).toEqual([]);
    expect(await versionsUnder(plane, 'blobs/')).toEqual([]);
  });

  it.each(['before', 'after'] as const)(
    'is deleted although its run was cut off (%s any of its calls)',
    async (when) => {
      // The first time to its end, to count its calls.
      for (let at = 0, calls = 0; at <= calls; at += 1) {
        const interruption = createInterruption();
        const plane = await published(interruption);
        await plane.clock.advance(7 * DAY_MS);
        interruption.cutAt(at, when);
        await plane.expireUploads().catch(() => undefined);
        if (at === 0) calls = interruption.calls(when);
        expect(calls).toBeGreaterThan(when === 'before' ? 20 : 2);
        interruption.cutAt(0);
        await plane.expireUploads();
        expect(await versionsUnder(plane), `cut off at ${at}`).toEqual([]);
        expect(await uploadOf(plane)).toMatchObject({ state: 'ready', removal: { reason: 'published', done: true } });
      }
    },
  );

  it('goes although more rows cannot be read than one page has', async () => {
    const plane = await published();
    await unreadableRows(plane.catalog, `DUE#READY#${shardOf(KEY, UPLOAD_SHARDS)}`, 150);
    await plane.clock.advance(7 * DAY_MS);
    await expect(plane.expireUploads()).rejects.toMatchObject({ code: 'not-expired', retryable: true });
    expect(await versionsUnder(plane)).toEqual([]);
  });
});

describe('an upload that no version got', () => {
  it('stays in quarantine for 90 days, and cannot be released after them', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(200).subarray(0, 100));
    await plane.settle();
    await expireAfter(plane, 90 * DAY_MS - MINUTE_MS);
    expect(await versionsUnder(plane)).toEqual([KEY]);
    await expireAfter(plane, MINUTE_MS);
    expect(await versionsUnder(plane)).toEqual([]);
    expect(await uploadOf(plane)).toMatchObject({
      state: 'quarantined',
      removal: { reason: 'quarantined-for-long', done: true },
    });
    const release = { key: KEY, reason: 'wanted', by: 'op', dryRun: false };
    await expect(releaseUpload(plane.deps, release)).rejects.toMatchObject({ code: 'not-releasable' });
  });

  it('leaves its set when that is not completed for 90 days, and its bytes are not needed any more', async () => {
    const plane = await createIngestPlane();
    const key = SET_MEMBER;
    await plane.upload(key, safetensors(200), { metadata: { 'strata-set': SET } });
    await plane.settle();
    await expireAfter(plane, 89 * DAY_MS);
    expect(await versionsUnder(plane)).toEqual([key]);
    await expireAfter(plane, DAY_MS);
    expect(await versionsUnder(plane)).toEqual([]);
    const { state, digest = expect.fail() } = await uploadOf(plane, key);
    expect(state).toBe('cancelled');
    expect(await SetFileRow.get(plane.catalog, TINY, V1, SET, 'a.safetensors')).toBeUndefined();
    expect((await BlobRow.get(plane.catalog, digest))?.value.unreferencedAt).toBe(plane.clock.now());
  });

  it('leaves it as well although its run was cut off: the next run goes on', async () => {
    for (let at = 0, calls = 0; at <= calls; at += 1) {
      const interruption = createInterruption();
      const plane = await createIngestPlane(interruption);
      await plane.upload(SET_MEMBER, safetensors(200), { metadata: { 'strata-set': SET } });
      await plane.settle();
      await plane.clock.advance(90 * DAY_MS);
      interruption.cutAt(at, 'after');
      await plane.expireUploads().catch(() => undefined);
      if (at === 0) calls = interruption.calls('after');
      expect(calls).toBeGreaterThan(2);
      interruption.cutAt(0);
      await expireAfter(plane, HOUR_MS);
      expect(await versionsUnder(plane), `cut off at ${at}`).toEqual([]);
      expect(await uploadOf(plane, SET_MEMBER)).toMatchObject({ state: 'cancelled', removal: { done: true } });
    }
  });
});
