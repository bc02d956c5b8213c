import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReferenceRow, UploadRow, UploadSetRow, VersionRow } from '../../lib/catalog/index.ts';
import { deleteVersion } from '../../lib/deletion/index.ts';
import { CorrelationId, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { createIngestPlane, type IngestPlane, safetensors } from '../support/ingestPlane.ts';

const SET = '0f9c2f5e-6a43-4f0e-9a55-111111111111';
const OTHER_SET = '0f9c2f5e-6a43-4f0e-9a55-222222222222';
const TINY = ModelName.parse('tiny');
const V1 = SemVer.parse('1.0.0');
const FILES = { 'a.safetensors': safetensors(100, 1), 'b.safetensors': safetensors(300, 2) };

const keyOf = (file: string) => `uploads/tiny/1.0.0/${file}`;

function uploadFile(plane: IngestPlane, file: string, bytes: Uint8Array, set = SET) {
  return plane.upload(keyOf(file), bytes, { metadata: { 'strata-set': set } });
}

function uploadSet(plane: IngestPlane, files: Readonly<Record<string, Uint8Array>>, set = SET) {
  const listed = Object.entries(files).map(([file, bytes]) => ({ file, size: bytes.length }));
  return uploadFile(
    plane,
    'strata.json',
    Buffer.from(JSON.stringify({ schema: 'strata-set/1', set, files: listed })),
    set,
  );
}

async function published(plane: IngestPlane) {
  return (await VersionRow.get(plane.catalog, TINY, V1))?.value;
}

async function endOf(plane: IngestPlane, file: string) {
  const page = await plane.catalog.query({
    partition: `UPLOAD#${keyOf(file)}`,
    from: 'VERSION#',
    to: 'VERSION$',
    limit: 10,
  });
  return page.items
    .map((item) => UploadRow.parse(item).value)
    .map(({ state, quarantine }) => quarantine?.reason ?? state);
}

describe('a deleted version', () => {
  it('is not published again by messages of its set that come late, nor by a new push under its number', async () => {
    const plane = await createIngestPlane();
    for (const [file, bytes] of Object.entries(FILES)) await uploadFile(plane, file, bytes);
    await uploadSet(plane, FILES);
    const events = plane.events();
    await plane.settle();
    const now = plane.clock.now();
    const correlationId = CorrelationId.parse('test');
    await deleteVersion(plane.catalog, { model: TINY, version: V1, undoDays: 7, now, correlationId, dryRun: false });
    await plane.deliver(...events);
    await plane.settle();
    await uploadFile(plane, 'a.safetensors', FILES['a.safetensors'], OTHER_SET);
    await uploadFile(plane, 'b.safetensors', safetensors(300, 9), OTHER_SET);
    await plane.settle();
    expect(await published(plane)).toBeUndefined();
    expect(await endOf(plane, 'a.safetensors')).toEqual(['ready', 'ready']);
    expect((await endOf(plane, 'b.safetensors')).toSorted()).toEqual(['immutable-version', 'ready']);
  });
});

describe('a set', () => {
  it('is published when all of it is there, in whatever order its events come, however often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([0, 1, 2, 0, 1, 2], { minLength: 6 }),
        fc.array(fc.constantFrom('ingest', 'digest', 'relay'), { maxLength: 12 }),
        async (order, steps) => {
          const plane = await createIngestPlane();
          for (const [file, bytes] of Object.entries(FILES)) await uploadFile(plane, file, bytes);
          await uploadSet(plane, FILES);
          const events = plane.events();
          plane.loseEvents();
          for (const [index, event] of order.entries()) {
            await plane.deliver(events[event] ?? '');
            const step = steps[index];
            if (step === 'relay') await plane.relayOnce();
            else if (step === 'ingest' || step === 'digest') await plane.work(step);
          }
          await plane.settle();
          expect((await published(plane))?.files.map(({ file }) => file)).toEqual(Object.keys(FILES));
          expect(await plane.messages('placement')).toHaveLength(1);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('waits for the last of its files', async () => {
    const plane = await createIngestPlane();
    await uploadFile(plane, 'a.safetensors', FILES['a.safetensors']);
    await uploadSet(plane, FILES);
    await plane.settle();
    expect(await published(plane)).toBeUndefined();
    await uploadFile(plane, 'b.safetensors', FILES['b.safetensors']);
    await plane.settle();
    expect(await published(plane)).toMatchObject({ set: SET, correlationId: SET });
  });

  it('waits again when a file was deleted before the set was complete', async () => {
    const plane = await createIngestPlane();
    await uploadFile(plane, 'a.safetensors', FILES['a.safetensors']);
    await plane.settle();
    expect(await endOf(plane, 'a.safetensors')).toEqual(['ready']);
    await plane.objects.remove(keyOf('a.safetensors'));
    await uploadFile(plane, 'b.safetensors', FILES['b.safetensors']);
    await uploadSet(plane, FILES);
    await plane.settle();
    expect(await endOf(plane, 'a.safetensors')).toEqual(['cancelled']);
    expect(await published(plane)).toBeUndefined();
    await uploadFile(plane, 'a.safetensors', FILES['a.safetensors']);
    await plane.settle();
    expect((await published(plane))?.files).toHaveLength(2);
  });

  it('is taken back with its strata.json, until it is complete', async () => {
    const plane = await createIngestPlane();
    await uploadSet(plane, FILES);
    await plane.settle();
    await plane.objects.remove(keyOf('strata.json'));
    await plane.settle();
    expect(await UploadSetRow.get(plane.catalog, TINY, V1, SET)).toBeUndefined();
    for (const [file, bytes] of Object.entries(FILES)) await uploadFile(plane, file, bytes);
    await plane.settle();
    expect(await published(plane)).toBeUndefined();
  });

  it('quarantines files that it does not name or names with another size, before and after its strata.json', async () => {
    const plane = await createIngestPlane();
    await uploadFile(plane, 'early.safetensors', safetensors(10));
    await uploadFile(plane, 'a.safetensors', safetensors(101, 1));
    await plane.settle();
    await uploadSet(plane, FILES);
    await plane.settle();
    await uploadFile(plane, 'late.safetensors', safetensors(20));
    await uploadFile(plane, 'b.safetensors', safetensors(301, 2));
    await plane.settle();
    expect(await endOf(plane, 'early.safetensors')).toEqual(['not-in-set']);
    expect(await endOf(plane, 'late.safetensors')).toEqual(['not-in-set']);
    expect(await endOf(plane, 'a.safetensors')).toEqual(['size-differs-from-set']);
    expect(await endOf(plane, 'b.safetensors')).toEqual(['size-differs-from-set']);
    expect(await published(plane)).toBeUndefined();
  });

  it.each([
    ['no JSON', 'no'],
    ['nothing at all', ''],
    ['deep nesting', '['.repeat(100_000)],
    ['another schema', '{"schema":"strata-set/2"}'],
    [
      'another set than its metadata',
      JSON.stringify({ schema: 'strata-set/1', set: OTHER_SET, files: [{ file: 'a', size: 1 }] }),
    ],
    [
      'a file twice',
      JSON.stringify({
        schema: 'strata-set/1',
        set: SET,
        files: [
          { file: 'a', size: 1 },
          { file: 'a', size: 1 },
        ],
      }),
    ],
    ['more bytes than any set has', ' '.repeat(1_000_001)],
  ])('is refused with %s', async (_what, text) => {
    const plane = await createIngestPlane();
    await uploadFile(plane, 'strata.json', Buffer.from(text));
    await plane.settle();
    expect(await endOf(plane, 'strata.json')).toEqual(['invalid-set']);
  });

  it('that loses its version to another set is quarantined, but for what is the same', async () => {
    const plane = await createIngestPlane();
    const other = { 'a.safetensors': FILES['a.safetensors'], 'c.safetensors': safetensors(50, 3) };
    await uploadFile(plane, 'a.safetensors', FILES['a.safetensors'], OTHER_SET);
    await uploadFile(plane, 'c.safetensors', other['c.safetensors'], OTHER_SET);
    await plane.settle();
    await uploadFile(plane, 'b.safetensors', FILES['b.safetensors']);
    await uploadFile(plane, 'a.safetensors', FILES['a.safetensors']);
    await uploadSet(plane, FILES);
    await plane.settle();
    expect((await published(plane))?.set).toBe(SET);
    await uploadSet(plane, other, OTHER_SET);
    await plane.settle();
    expect((await published(plane))?.set).toBe(SET);
    expect(await endOf(plane, 'strata.json')).toEqual(expect.arrayContaining(['immutable-version']));
    const digest = (await published(plane))?.files[0]?.digest;
    expect(digest === undefined ? undefined : await ReferenceRow.get(plane.catalog, digest, TINY, V1)).toBeDefined();
  });

  it('pushed again with the same files changes nothing', async () => {
    const plane = await createIngestPlane();
    for (const set of [SET, OTHER_SET]) {
      for (const [file, bytes] of Object.entries(FILES)) await uploadFile(plane, file, bytes, set);
      await uploadSet(plane, FILES, set);
      await plane.settle();
    }
    expect(await endOf(plane, 'a.safetensors')).toEqual(['ready', 'ready']);
    expect(await endOf(plane, 'strata.json')).toEqual(['ready', 'ready']);
    expect((await published(plane))?.set).toBe(SET);
    expect(await plane.messages('placement')).toHaveLength(1);
  });
});
