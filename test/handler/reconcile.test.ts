import { describe, expect, it } from 'vitest';
import {
  BlobRow,
  queryAll,
  ReplicaRow,
  shardOf,
  startingWith,
  UPLOAD_SHARDS,
  UploadHeadRow,
  UploadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { blobKey, manifestKey } from '../../lib/shared/digest.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { reconcileUploads } from '../../lib/ingest/index.ts';
import { Location, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { MessageSender } from '../../lib/shared/ports/messageQueue.ts';
import { MINUTE_MS } from '../../lib/shared/units.ts';
import { unreadableRows } from '../support/unreadableRows.ts';
import { createIngestPlane, type IngestPlane, safetensors } from '../support/ingestPlane.ts';

const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';

async function blobOf(plane: IngestPlane) {
  const version = await VersionRow.get(plane.catalog, ModelName.parse('tiny'), SemVer.parse('1.0.0'));
  const digest = version?.value.files[0]?.digest;
  return digest === undefined ? undefined : (await BlobRow.get(plane.catalog, digest))?.value;
}

function metric(plane: IngestPlane, name: string) {
  return plane.telemetry.metrics.filter((one) => one.name === name).reduce((sum, one) => sum + one.value, 0);
}

async function reconcileAfter(plane: IngestPlane, minutes: number) {
  await plane.clock.advance(minutes * MINUTE_MS);
  await plane.reconcile();
  await plane.settle();
}

/** A plane in which one upload was judged, and its digest is still to be taken. */
async function ingesting(): Promise<IngestPlane> {
  const plane = await createIngestPlane();
  await plane.upload(KEY, safetensors(200));
  await plane.deliver(...plane.events());
  plane.loseEvents();
  await plane.work('ingest');
  return plane;
}

async function loseDigest(plane: IngestPlane): Promise<void> {
  for (const { receiptHandle } of await plane.queues.receive('digest', 10, 0, 60)) {
    await plane.queues.remove('digest', receiptHandle);
  }
}

describe('the reconciler', () => {
  it('publishes an upload whose event was lost, once its event had its time', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(200));
    plane.loseEvents();
    await reconcileAfter(plane, 9);
    expect(await blobOf(plane)).toBeUndefined();
    await reconcileAfter(plane, 2);
    expect(await blobOf(plane)).toBeDefined();
    expect(metric(plane, 'UploadsFound')).toBe(1);
    await reconcileAfter(plane, 11);
    expect(metric(plane, 'UploadsFound')).toBe(1);
  });

  it('withdraws an upload that was opened again after another had taken its key', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, Buffer.from('no model'));
    await plane.settle();
    const before = await UploadHeadRow.get(plane.catalog, KEY);
    const old = await UploadRow.get(plane.catalog, KEY, before?.value.versionId ?? '');
    expect(old?.value.state).toBe('quarantined');
    await plane.upload(KEY, Buffer.from('no model either'));
    await plane.settle();
    if (old === undefined) expect.fail();
    // As a release of an older plane left it where the rules changed before its digest was taken.
    const { quarantine: _, ...open } = old.value;
    const released = UploadRow.put(
      { ...open, state: 'observed', movedAt: plane.clock.now() },
      { version: old.version },
    );
    expect(await plane.catalog.transact([released])).toMatchObject({ outcome: 'committed' });
    await reconcileAfter(plane, 11);
    expect((await UploadRow.get(plane.catalog, KEY, old.value.versionId))?.value.state).toBe('cancelled');
  });

  it('takes back an upload whose delete was lost', async () => {
    const plane = await ingesting();
    await plane.objects.remove(KEY);
    plane.loseEvents();
    await reconcileAfter(plane, 11);
    expect((await UploadHeadRow.get(plane.catalog, KEY))?.value.deleted).toBe(true);
    const page = await plane.catalog.query({ partition: `UPLOAD#${KEY}`, from: 'VERSION#', to: 'VERSION$', limit: 10 });
    expect(page.items.map((item) => UploadRow.parse(item).value.state)).toEqual(['cancelled']);
  });

  it('tells again of an upload whose message died, and not of it again while that has its time', async () => {
    const plane = await ingesting();
    await plane.relayOnce();
    await plane.messages('digest');
    await loseDigest(plane);
    await plane.clock.advance(2000);
    await loseDigest(plane);
    await plane.clock.advance(21 * MINUTE_MS);
    await plane.reconcile();
    await plane.reconcile();
    expect(metric(plane, 'UploadsRetold')).toBe(1);
    await plane.settle();
    expect(await blobOf(plane)).toBeDefined();
  });

  it('leaves a digest alone that may still be at work', async () => {
    const plane = await ingesting();
    await plane.clock.advance(15 * MINUTE_MS);
    await plane.reconcile();
    expect(metric(plane, 'UploadsRetold')).toBe(0);
  });

  it('brings back a blob whose origin object is gone, from the upload that it came from', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const before = await blobOf(plane);
    if (before === undefined) throw new Error('not published');
    await plane.objects.remove(blobKey(before.digest), before.origin.versionId);
    await plane.reconcile();
    const after = await blobOf(plane);
    expect(after?.origin.versionId).not.toBe(before.origin.versionId);
    expect(before.compressibility).toBeDefined();
    expect(after?.compressibility).toEqual(before.compressibility);
    expect(await plane.objects.head(blobKey(before.digest), after?.origin.versionId)).toMatchObject({
      outcome: 'found',
    });
    const replica = await ReplicaRow.get(plane.catalog, before.digest, Location.parse('s3:eu-west-1:STANDARD'));
    expect(replica?.value.versionId).toBe(after?.origin.versionId);
    expect(metric(plane, 'BlobsRepaired')).toBe(1);
  });

  it('takes what is current under the key of a blob when that holds its bytes', async () => {
    const plane = await createIngestPlane();
    const bytes = safetensors(200);
    await plane.upload(KEY, bytes);
    await plane.settle();
    const before = await blobOf(plane);
    if (before === undefined) throw new Error('not published');
    const rewritten = await plane.upload(blobKey(before.digest), bytes);
    await plane.objects.remove(blobKey(before.digest), before.origin.versionId);
    await plane.objects.remove(KEY);
    await plane.reconcile();
    expect(rewritten).toMatchObject({ versionId: (await blobOf(plane))?.origin.versionId });
  });

  it('writes a lost manifest again', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const blob = await blobOf(plane);
    if (blob === undefined) throw new Error('not published');
    await plane.objects.remove(manifestKey(blob.digest));
    await plane.reconcile();
    expect(await plane.objects.head(manifestKey(blob.digest))).toMatchObject({ outcome: 'found' });
    expect(await blobOf(plane)).toEqual(blob);
  });

  it('reports a blob of which nothing is left, and deletes nothing', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const blob = await blobOf(plane);
    if (blob === undefined) throw new Error('not published');
    for (const prefix of ['blobs/', 'uploads/']) {
      const { versions } = await plane.objects.listVersions({ prefix, limit: 100 });
      for (const { key, versionId } of versions) await plane.objects.remove(key, versionId);
    }
    await plane.reconcile();
    expect(metric(plane, 'BlobsLost')).toBe(1);
    expect(await blobOf(plane)).toEqual(blob);
  });

  it('does not bring back a blob that is purged while it is repaired', async () => {
    const moment: { purge?: () => Promise<void> } = {};
    const plane = await createIngestPlane({
      objects: (store) => ({
        ...store,
        async copy(...args) {
          await moment.purge?.();
          return store.copy(...args);
        },
      }),
    });
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const blob = await blobOf(plane);
    if (blob === undefined) throw new Error('not published');
    await plane.objects.remove(blobKey(blob.digest), blob.origin.versionId);
    const rows = () => queryAll(plane.catalog, { partition: `BLOB#${blob.digest}`, ...startingWith('') });
    let purges = 0;
    moment.purge = async () => {
      purges += 1;
      const changes = (await rows()).map(({ key, version }) => ({ kind: 'delete' as const, key, expect: { version } }));
      await plane.catalog.transact(changes);
    };
    await plane.reconcile();
    expect(purges).toBe(1);
    expect(await rows()).toEqual([]);
    expect(metric(plane, 'BlobsRepaired')).toBe(0);
  });

  it('repairs the other blobs where one cannot be looked at, and fails at the end', async () => {
    const denial: { armed: boolean; key?: string } = { armed: false };
    const plane = await createIngestPlane({
      objects: (store) => ({
        ...store,
        async head(key, versionId) {
          if (denial.armed && key.startsWith('blobs/')) denial.key ??= key;
          if (key !== denial.key) return store.head(key, versionId);
          throw new PortError({ code: 'access-denied', message: 'the key is disabled', retryable: false });
        },
      }),
    });
    for (const value of [1, 2, 3]) await plane.upload(`uploads/m${value}/1.0.0/a.safetensors`, safetensors(200, value));
    await plane.settle();
    const { versions } = await plane.objects.listVersions({ prefix: 'blobs/', limit: 100 });
    for (const { key, versionId } of versions) {
      if (!key.endsWith('.parts')) await plane.objects.remove(key, versionId);
    }
    denial.armed = true;
    await expect(plane.reconcile()).rejects.toMatchObject({ code: 'not-reconciled', retryable: true });
    expect(metric(plane, 'BlobsRepaired')).toBe(2);
    expect(metric(plane, 'BlobsNotRepaired')).toBe(1);
    const told = plane.telemetry.records.find(({ event }) => event === 'blob-not-repaired');
    expect(told?.fields['row']).toBe(denial.key?.replace('blobs/', 'BLOB#'));
    delete denial.key;
    denial.armed = false;
    await plane.reconcile();
    expect(metric(plane, 'BlobsRepaired')).toBe(3);
  });

  it('goes on where the time of the last run ended', async () => {
    const left = { pages: 2 };
    const plane = await createIngestPlane({
      remainingMs: () => (left.pages > 0 ? 600_000 : 1_000),
      objects: (store) => ({
        ...store,
        async listVersions(query) {
          left.pages -= 1;
          return store.listVersions(query);
        },
      }),
    });
    for (let n = 0; n < 2100; n += 1) await plane.upload(`uploads/m${n}`, 'x');
    plane.loseEvents();
    await plane.clock.advance(11 * MINUTE_MS);
    await plane.reconcile();
    expect(metric(plane, 'UploadsFound')).toBe(2000);
    left.pages = 2;
    await plane.reconcile();
    expect(metric(plane, 'UploadsFound')).toBe(2100);
  });

  it('asks the catalog only for versions that the last pass cannot have seen, however many there are', async () => {
    const asked: string[] = [];
    const plane = await createIngestPlane({
      catalog: (store) => ({
        ...store,
        async get(key) {
          if (key.partition.startsWith('UPLOAD#')) asked.push(key.partition);
          return store.get(key);
        },
      }),
    });
    for (let n = 0; n < 30; n += 1) await plane.upload(`uploads/old-${n}`, 'x');
    await plane.settle();
    await reconcileAfter(plane, 9 * 24 * 60);
    expect(new Set(asked).size).toBe(30);
    await reconcileAfter(plane, 11);
    asked.length = 0;
    await plane.upload('uploads/new-1', 'x');
    plane.loseEvents();
    await plane.clock.advance(11 * MINUTE_MS);
    await plane.reconcile();
    expect(asked).toEqual(['UPLOAD#uploads/new-1']);
    expect(metric(plane, 'UploadsFound')).toBe(1);
  });

  it('has looked at what it could not ask the catalog about: the next pass may come when it is too old for it', async () => {
    const outage = { left: 0 };
    const plane = await createIngestPlane({
      catalog: (store) => ({
        ...store,
        async get(key) {
          if (key.partition === `UPLOAD#${KEY}` && outage.left > 0) {
            outage.left -= 1;
            throw new PortError({ code: 'unavailable', message: 'not reached', retryable: true });
          }
          return store.get(key);
        },
      }),
    });
    await plane.upload(KEY, safetensors(200));
    plane.loseEvents();
    await plane.clock.advance(11 * MINUTE_MS);
    outage.left = 1;
    await expect(plane.reconcile()).rejects.toMatchObject({ code: 'not-reconciled' });
    await plane.settle();
    expect(await blobOf(plane)).toBeDefined();
  });

  it('tells again of uploads behind more rows that nobody can read than one run looks at', async () => {
    const plane = await ingesting();
    await plane.relayOnce();
    await loseDigest(plane);
    const partition = `DUE#UPLOAD#${shardOf(KEY, UPLOAD_SHARDS)}`;
    await unreadableRows(plane.catalog, partition, 2_100);
    await plane.clock.advance(21 * MINUTE_MS);
    await expect(plane.reconcile()).rejects.toMatchObject({ code: 'not-reconciled' });
    expect(metric(plane, 'UploadsRetold')).toBe(0);
    await expect(plane.reconcile()).rejects.toMatchObject({ code: 'not-reconciled' });
    expect(metric(plane, 'UploadsRetold')).toBe(1);
    await plane.settle();
    expect(await blobOf(plane)).toBeDefined();
  });

  it('repairs and tells again although the bucket cannot be listed', async () => {
    const plane = await createIngestPlane({
      objects: (store) => ({
        ...store,
        listVersions: async () => {
          throw new PortError({ code: 'access-denied', message: 'not yours', retryable: false });
        },
      }),
    });
    await plane.upload(KEY, safetensors(200));
    await plane.settle();
    const before = await blobOf(plane);
    if (before === undefined) throw new Error('not published');
    await plane.objects.remove(blobKey(before.digest), before.origin.versionId);
    await expect(plane.reconcile()).rejects.toMatchObject({ code: 'not-reconciled' });
    expect(metric(plane, 'BlobsRepaired')).toBe(1);
  });
});

/** What SQS takes in a message: the characters of XML. */
const CARRIABLE = /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u;

it('tells of a key that a queue would refuse as it is', async () => {
  const plane = await createIngestPlane();
  const key = 'uploads/odd\uffff\ufffe/1.0.0/a.bin';
  await plane.upload(key, 'content');
  plane.loseEvents();
  await plane.clock.advance(11 * MINUTE_MS);
  const sent: string[] = [];
  const sender: MessageSender = {
    async send(_queue, messages) {
      for (const { body } of messages) expect(body).toMatch(CARRIABLE);
      sent.push(...messages.map(({ body }) => body));
    },
  };
  await reconcileUploads(
    { ...plane.deps, sender },
    { telemetry: plane.telemetry.telemetry, remainingMs: () => 600_000 },
  );
  expect(sent.map((body) => JSON.parse(body) as unknown)).toMatchObject([{ schema: 'observe-upload/1', key }]);
});
