import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createIngestHandler } from '../../functions/ingest/handler.ts';
import {
  BlobRow,
  CopyRow,
  ModelRow,
  ReferenceRow,
  ReplicaRow,
  UploadHeadRow,
  UploadRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { blobDigest, blobKey, manifestIsSound, manifestKey, PartManifest, partHash } from '../../lib/shared/digest.ts';
import { type Digest, Location, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { sqsBatch, testContext } from '../support/envelopes.ts';
import { createManualClock } from '../support/manualClock.ts';
import { slowCopies } from '../support/slowCopies.ts';
import { createIngestPlane, type IngestPlane, PLANE_PART_SIZE, safetensors } from '../support/ingestPlane.ts';

const KEY = 'uploads/tiny/1.0.0/tiny.safetensors';
const TINY = ModelName.parse('tiny');
const V1 = SemVer.parse('1.0.0');

function digestOf(bytes: Uint8Array): Digest {
  const parts = [];
  for (let at = 0; at < bytes.length; at += PLANE_PART_SIZE)
    parts.push(partHash(bytes.subarray(at, at + PLANE_PART_SIZE)));
  return blobDigest(bytes.length, PLANE_PART_SIZE, parts);
}

async function versionOf(plane: IngestPlane) {
  return (await VersionRow.get(plane.catalog, TINY, V1))?.value;
}

async function uploads(plane: IngestPlane, key = KEY) {
  const page = await plane.catalog.query({ partition: `UPLOAD#${key}`, from: 'VERSION#', to: 'VERSION$', limit: 100 });
  return page.items.map((item) => UploadRow.parse(item).value);
}

async function states(plane: IngestPlane, key = KEY) {
  return (await uploads(plane, key)).map(({ state, quarantine }) => quarantine?.reason ?? state);
}

describe('an uploaded file without a set', () => {
  it.each([false, true])(
    'is published once, its bytes verified (part hashes by the store: %s)',
    async (verifiesParts) => {
      const plane = await createIngestPlane({ verifiesParts });
      const bytes = safetensors(1000);
      const digest = digestOf(bytes);
      await plane.upload(KEY, bytes);
      await plane.settle();

      expect(await versionOf(plane)).toMatchObject({
        files: [{ file: 'tiny.safetensors', role: 'weights', digest, size: bytes.length }],
      });
      expect((await ModelRow.get(plane.catalog, TINY))?.value).toMatchObject({ versions: 1, newest: '1.0.0' });
      const copy = await plane.objects.head(blobKey(digest));
      const blob = (await BlobRow.get(plane.catalog, digest))?.value;
      expect(copy).toMatchObject({ outcome: 'found', head: { size: bytes.length, versionId: blob?.origin.versionId } });
      expect(blob).toMatchObject({ tier: 'hot', findings: { status: 'clean', format: 'safetensors' } });
      const replica = await ReplicaRow.get(plane.catalog, digest, Location.parse('s3:eu-west-1:STANDARD'));
      expect(replica?.value).toMatchObject({ state: 'verified', versionId: blob?.origin.versionId });
      expect(await ReferenceRow.get(plane.catalog, digest, TINY, V1)).toBeDefined();
      expect(await plane.messages('placement')).toEqual([
        expect.objectContaining({ schema: 'place-model/1', model: 'tiny', version: '1.0.0' }),
      ]);
      const head = await plane.objects.head(manifestKey(digest));
      if (head.outcome !== 'found') throw new Error('no manifest');
      const read = await plane.objects.readRange(manifestKey(digest), head.head.versionId, 0, head.head.size);
      if (read.outcome !== 'read') throw new Error('manifest unreadable');
      const manifest = PartManifest.parse(JSON.parse(Buffer.from(read.bytes).toString()));
      expect(manifest.digest).toBe(digest);
      expect(manifestIsSound(manifest)).toBe(true);
      const hashed = plane.telemetry.metrics.filter(({ name }) => name === 'BytesHashed');
      expect(hashed.map(({ value }) => value)).toEqual([verifiesParts ? 0 : bytes.length]);
    },
  );

  it('keeps one correlation id from the event to the placement message', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(100));
    const { id } = JSON.parse(plane.events()[0] ?? '') as { id: string };
    await plane.settle();
    expect(await plane.messages('placement')).toEqual([expect.objectContaining({ correlationId: id })]);
    const settled = plane.telemetry.records.find(({ event }) => event === 'version-published');
    expect(settled?.fields['correlationId']).toBe(id);
  });

  it('has one row and one effect when its event comes three times', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(1000));
    const [event = ''] = plane.events();
    await plane.deliver(event, event);
    await plane.settle();
    await plane.deliver(event);
    await plane.settle();
    expect(await states(plane)).toEqual(['ready']);
    expect(await plane.messages('placement')).toHaveLength(1);
    expect(plane.telemetry.records.filter(({ event }) => event === 'upload-judged')).toHaveLength(1);
  });

  it('stays deleted when the delete is told before the older put', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(1000));
    await plane.objects.remove(KEY);
    const [put = '', removal = ''] = plane.events();
    plane.loseEvents();
    await plane.deliver(removal);
    await plane.settle();
    await plane.deliver(put);
    await plane.settle();
    expect((await UploadHeadRow.get(plane.catalog, KEY))?.value.deleted).toBe(true);
    expect(await states(plane)).toEqual([]);
    expect(await versionOf(plane)).toBeUndefined();
  });

  it('binds the verdict to its version when it is overwritten between check and publication', async () => {
    const plane = await createIngestPlane();
    const second = safetensors(1000, 2);
    await plane.upload(KEY, safetensors(1000, 1));
    await plane.deliver(...plane.events());
    plane.loseEvents();
    await plane.work('ingest');
    await plane.upload(KEY, second);
    await plane.relayOnce();
    await plane.work('digest');
    expect(await versionOf(plane)).toBeUndefined();
    await plane.settle();
    expect(await versionOf(plane)).toMatchObject({ files: [{ digest: digestOf(second) }] });
    expect((await states(plane)).sort()).toEqual(['cancelled', 'ready']);
  });

  it('is cancelled when it is deleted before its publication', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(1000));
    await plane.deliver(...plane.events());
    plane.loseEvents();
    await plane.work('ingest');
    await plane.objects.remove(KEY);
    await plane.settle();
    expect(await states(plane)).toEqual(['cancelled']);
    expect(await versionOf(plane)).toBeUndefined();
  });

  it('changes nothing when it is deleted after its publication', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(1000));
    await plane.settle();
    await plane.objects.remove(KEY);
    await plane.settle();
    expect(await states(plane)).toEqual(['ready']);
    expect(await versionOf(plane)).toBeDefined();
  });

  it('is unchanged by the same bytes, and refuses others once its version is closed', async () => {
    const plane = await createIngestPlane();
    await plane.upload(KEY, safetensors(1000, 1));
    await plane.settle();
    const before = await versionOf(plane);
    await plane.upload(KEY, safetensors(1000, 1));
    await plane.settle();
    expect(await states(plane)).toEqual(['ready', 'ready']);
    await plane.upload(KEY, safetensors(1000, 2));
    await plane.upload('uploads/tiny/1.0.0/second.safetensors', safetensors(10));
    await plane.settle();
    expect((await states(plane)).sort()).toEqual(['immutable-version', 'ready', 'ready']);
    expect(await states(plane, 'uploads/tiny/1.0.0/second.safetensors')).toEqual(['immutable-version']);
    expect(await versionOf(plane)).toEqual(before);
    expect(await plane.messages('placement')).toHaveLength(1);
  });

  it('shares its blob with another model of the same bytes', async () => {
    const plane = await createIngestPlane();
    const bytes = safetensors(1000);
    await plane.upload(KEY, bytes);
    await plane.upload('uploads/twin/2.0.0/twin.safetensors', bytes);
    await plane.settle();
    const digest = digestOf(bytes);
    const references = await plane.catalog.query({
      partition: `BLOB#${digest}`,
      from: 'REFERENCE#',
      to: 'REFERENCE$',
      limit: 10,
    });
    expect(references.items.map((item) => ReferenceRow.parse(item).value.model)).toEqual(['tiny', 'twin']);
    const copies = await plane.objects.listVersions({ prefix: blobKey(digest), limit: 10 });
    expect(copies.versions.map(({ key }) => key)).toEqual([blobKey(digest), manifestKey(digest)]);
  });
});

describe('how small an upload would get', () => {
  it('stands on the upload and its blob, whoever hashed the parts', async () => {
    for (const verifiesParts of [false, true]) {
      const plane = await createIngestPlane({ verifiesParts });
      const bytes = safetensors(1000);
      await plane.upload(KEY, bytes);
      await plane.settle();
      const compressibility = { encoding: 'byteplane-zstd-1', ratio: expect.any(Number), sampledBytes: bytes.length };
      const blob = (await BlobRow.get(plane.catalog, digestOf(bytes)))?.value;
      expect(blob).toMatchObject({ compressibility });
      // 1,000 equal bytes behind a header of some sixty.
      expect(blob?.compressibility?.ratio).toBeLessThan(0.2);
      expect(await uploads(plane)).toMatchObject([{ state: 'ready', compressibility: blob?.compressibility }]);
    }
  });

  it('is measured once for the same bytes, and again where it is not known', async () => {
    const bytes = safetensors(1000);
    const digest = digestOf(bytes);
    let whole = 0;
    const plane = await createIngestPlane({
      verifiesParts: true,
      objects: (store) => ({
        ...store,
        readRange: (key, versionId, offset, length) => {
          if (key.startsWith('uploads/twin') && length === bytes.length && offset === 0) whole += 1;
          return store.readRange(key, versionId, offset, length);
        },
      }),
    });
    await plane.upload(KEY, bytes);
    await plane.settle();
    await plane.upload('uploads/twin/2.0.0/twin.safetensors', bytes);
    await plane.settle();
    const headers = whole;
    const row = await BlobRow.get(plane.catalog, digest);
    if (row === undefined) throw new Error('no blob');
    const { compressibility, ...older } = row.value;
    await plane.catalog.transact([BlobRow.put(older, { version: row.version })]);
    await plane.upload('uploads/twin/2.0.1/twin.safetensors', bytes);
    await plane.settle();
    expect(whole).toBe(2 * headers + 1);
    expect((await BlobRow.get(plane.catalog, digest))?.value.compressibility).toEqual(compressibility);
  });

  it.each([
    ['absent', 'cancelled'],
    ['archived', 'unscannable'],
  ] as const)('is not asked of an object that is %s by then: the upload ends %s', async (outcome, end) => {
    const bytes = safetensors(1000);
    let copied = false;
    const plane = await createIngestPlane({
      verifiesParts: true,
      objects: (store) => ({
        ...store,
        readRange: async (key, versionId, offset, length) =>
          copied && key === KEY ? { outcome } : store.readRange(key, versionId, offset, length),
        copy: async (...args) => {
          const answer = await store.copy(...args);
          copied = true;
          return answer;
        },
      }),
    });
    await plane.upload(KEY, bytes);
    await plane.settle();
    expect(await states(plane)).toEqual([end]);
  });
});

describe('quarantine', () => {
  it.each([
    ['invalid-format', KEY, safetensors(100).subarray(0, 60), {}],
    ['unscannable', 'uploads/tiny/1.0.0/tiny.bin', Buffer.alloc(32, 1), {}],
    ['invalid-format', 'uploads/tiny/1.0.0/empty.safetensors', Buffer.alloc(0), {}],
    ['invalid-format', KEY, Buffer.from('version https://git-lfs.github.com/spec/v1'), {}],
    ['invalid-format', 'uploads/tiny/1.0.0/tiny.gguf', safetensors(100), {}],
    ['bad-key', 'uploads/Tiny/1.0.0/tiny.safetensors', safetensors(10), {}],
    ['bad-key', 'uploads/tiny/1.0/tiny.safetensors', safetensors(10), {}],
    ['bad-key', 'uploads/tiny/1.0.0/a/b.safetensors', safetensors(10), {}],
    ['bad-key', 'uploads/-tiny/1.0.0/tiny.safetensors', safetensors(10), {}],
    ['bad-key', `uploads/${'x'.repeat(1000)}`, safetensors(10), {}],
    ['hop-limit', KEY, safetensors(10), { 'strata-hop': '3' }],
    ['hop-limit', KEY, safetensors(10), { 'strata-hop': 'NaN' }],
    ['invalid-set', KEY, safetensors(10), { 'strata-set': 'mine' }],
    ['invalid-set', 'uploads/tiny/1.0.0/strata.json', Buffer.from('{}'), {}],
    ['too-large', KEY, safetensors(11 * 1024 * 1024), {}],
  ])('holds back an upload for the reason %s (%s)', async (reason, key, bytes, metadata) => {
    const plane = await createIngestPlane();
    await plane.upload(key, bytes, { metadata });
    await plane.settle();
    expect(await states(plane, key)).toEqual([reason]);
    expect(await versionOf(plane)).toBeUndefined();
    expect((await plane.objects.listVersions({ prefix: 'blobs/', limit: 10 })).versions).toEqual([]);
    expect(plane.telemetry.metrics.filter(({ name }) => name === 'Quarantined')).toHaveLength(1);
  });
});

describe('keys in events', () => {
  it('are taken as they are, and decoded where only that names an object', async () => {
    const plane = await createIngestPlane();
    const key = 'uploads/tiny/1.0.0/a b.safetensors';
    await plane.upload(key, safetensors(10));
    const [event = ''] = plane.events();
    plane.loseEvents();
    await plane.deliver(event.replace('a b.safetensors', 'a+b.safetensors'));
    await plane.settle();
    expect(await states(plane, key)).toEqual(['bad-key']);
    expect(await states(plane, 'uploads/tiny/1.0.0/a+b.safetensors')).toEqual([]);
  });
});

describe('a batch', () => {
  it('with one poisoned message in ten publishes nine and keeps the one for redrive', async () => {
    const plane = await createIngestPlane();
    for (let n = 0; n < 9; n += 1) await plane.upload(`uploads/m${n}/1.0.0/m.safetensors`, safetensors(100 + n));
    await plane.deliver('{"poison":true}', ...plane.events());
    plane.loseEvents();
    await plane.settle();
    const models = await plane.catalog.queryIndex('listing', { partition: 'MODELS', limit: 100 });
    expect(models.items).toHaveLength(9);
    expect(await plane.messages('ingest-dlq')).toEqual([{ poison: true }]);
  });
});

describe('the copy to blobs/', () => {
  const tampered =
    (change: (store: ObjectStore) => Partial<ObjectStore>) =>
    (store: ObjectStore): ObjectStore => ({
      classes: store.classes,
      head: (...args) => store.head(...args),
      readRange: (...args) => store.readRange(...args),
      verifiedParts: (...args) => store.verifiedParts(...args),
      write: (...args) => store.write(...args),
      copy: (...args) => store.copy(...args),
      restore: (...args) => store.restore(...args),
      remove: (...args) => store.remove(...args),
      beginParts: (...args) => store.beginParts(...args),
      writtenParts: (...args) => store.writtenParts(...args),
      writePart: (...args) => store.writePart(...args),
      endParts: (...args) => store.endParts(...args),
      listUnfinishedCopies: (...args) => store.listUnfinishedCopies(...args),
      abandonCopy: (...args) => store.abandonCopy(...args),
      listVersions: (...args) => store.listVersions(...args),
      ...change(store),
    });

  it('adopts an object that an interrupted publication left, after checking its bytes', async () => {
    const plane = await createIngestPlane();
    const bytes = safetensors(1000);
    const left = await plane.upload(blobKey(digestOf(bytes)), bytes);
    await plane.upload(KEY, bytes);
    await plane.settle();
    const blob = (await BlobRow.get(plane.catalog, digestOf(bytes)))?.value;
    expect(left).toMatchObject({ outcome: 'written', versionId: blob?.origin.versionId });
  });

  it('goes on over as many calls as it takes, and forgets it when it has ended', async () => {
    let begun = 0;
    const callsOf = () => {
      begun += 1;
      return 4;
    };
    const plane = await createIngestPlane({ objects: (store) => slowCopies(store, createManualClock(), callsOf) });
    const bytes = safetensors(1000);
    await plane.upload(KEY, bytes);
    await plane.settle();
    expect(begun).toBe(1);
    const head = await plane.objects.head(KEY);
    const row = await UploadRow.get(plane.catalog, KEY, head.outcome === 'found' ? head.head.versionId : '');
    expect(row?.value).toMatchObject({ state: 'ready', hop: 3 });
    expect(await CopyRow.get(plane.catalog, digestOf(bytes), 'publish')).toBeUndefined();
  });

  it('reads saved part hashes once at the beginning and once at the end, however many parts there are', async () => {
    let reads = 0;
    const plane = await createIngestPlane({
      catalog: (store) => ({
        ...store,
        query: (query) => {
          if (query.from?.startsWith('PARTS#') === true) reads += 1;
          return store.query(query);
        },
      }),
    });
    await plane.upload(KEY, safetensors(100 * PLANE_PART_SIZE));
    await plane.settle();
    expect(reads).toBe(2);
    expect((await plane.catalog.queryIndex('listing', { partition: 'MODELS', limit: 10 })).items).toHaveLength(1);
  });

  it('covers the copy of a transition that did not come to its end: new content starts hot', async () => {
    const plane = await createIngestPlane();
    const bytes = safetensors(1000);
    const key = blobKey(digestOf(bytes));
    const left = await plane.upload(key, bytes);
    if (left.outcome !== 'written') throw new Error('not written');
    await plane.objects.copy({ key, versionId: left.versionId }, key, { storageClass: 'STANDARD_IA' });
    await plane.upload(KEY, bytes);
    await plane.settle();
    const origin = (await BlobRow.get(plane.catalog, digestOf(bytes)))?.value.origin;
    const head = await plane.objects.head(key, origin?.versionId);
    expect(origin?.storageClass).toBe('STANDARD');
    expect(head).toMatchObject({ outcome: 'found', head: { storageClass: 'STANDARD' } });
  });

  it('covers a foreign object of the same size under its key', async () => {
    const plane = await createIngestPlane();
    const bytes = safetensors(1000);
    const key = blobKey(digestOf(bytes));
    await plane.upload(key, Buffer.alloc(bytes.length, 7));
    await plane.upload(manifestKey(digestOf(bytes)), '{"schema":"strata-parts-1"}');
    await plane.upload(KEY, bytes);
    await plane.settle();
    const versionId = (await BlobRow.get(plane.catalog, digestOf(bytes)))?.value.origin.versionId ?? '';
    const read = await plane.objects.readRange(key, versionId, 0, bytes.length);
    expect(read).toEqual({ outcome: 'read', bytes: new Uint8Array(bytes) });
  });

  it('that comes out wrong is removed and made again', async () => {
    let wrong = 1;
    const plane = await createIngestPlane({
      objects: tampered((store) => ({
        async copy(source, key, options) {
          if (wrong === 0) return store.copy(source, key, options);
          wrong -= 1;
          return store.write(key, Buffer.from('short'), options);
        },
      })),
    });
    const bytes = safetensors(1000);
    await plane.upload(KEY, bytes);
    await plane.settle();
    expect(await states(plane)).toEqual(['ready']);
    const copies = await plane.objects.listVersions({ prefix: 'blobs/', limit: 10 });
    expect(copies.versions.map(({ size }) => size)).toContain(bytes.length);
    expect(copies.versions.map(({ size }) => size)).not.toContain(5);
  });
});

describe('a digest that runs out of time', () => {
  it('hands over to the queue and goes on where it stopped', async () => {
    let calls = 0;
    let reads = 0;
    const bytes = safetensors(64 * 40);
    const plane = await createIngestPlane({
      // Time for one batch of parts, then none, in each call; much for the publication.
      remainingMs: () => {
        calls += 1;
        return reads < bytes.length / 64 && calls % 2 === 0 ? 10_000 : 900_000;
      },
      objects: (store) => ({
        ...store,
        readRange(key, versionId, offset, length) {
          if (length === 64) reads += 1;
          return store.readRange(key, versionId, offset, length);
        },
      }),
    });
    await plane.upload(KEY, bytes);
    await plane.settle();
    expect(await versionOf(plane)).toMatchObject({ files: [{ digest: digestOf(bytes) }] });
    const handed = plane.telemetry.records.filter(({ event }) => event === 'digest-handed-over');
    expect(handed.length).toBeGreaterThan(2);
    expect(reads).toBe(Math.floor(bytes.length / 64));
  });
});

describe('the samples of bucket events', () => {
  const handler = async () => {
    const plane = await createIngestPlane();
    return createIngestHandler(plane.deps);
  };

  it.each(globSync('events/aws/eventBridgeS3.v1.*.json'))('%s is taken, or fails its record alone', async (path) => {
    const refused = path.endsWith('.invalid.json');
    const batch = sqsBatch([readFileSync(path, 'utf8'), readFileSync('events/observe-upload/v1.sample.json', 'utf8')]);
    const answer = await (await handler())(batch, testContext());
    expect(answer.batchItemFailures).toEqual(refused ? [{ itemIdentifier: 'm1' }] : []);
  });
});
