import { describe, expect, it } from 'vitest';
import { BlobRow, ModelRow, UploadRow, VersionRow } from '../../lib/catalog/index.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { ModelName, SemVer } from '../../lib/shared/ids.ts';
import { MINUTE_MS } from '../../lib/shared/units.ts';
import { createInterruption, type Moment } from '../support/interruption.ts';
import { createIngestPlane, safetensors } from '../support/ingestPlane.ts';

const SET = '0f9c2f5e-6a43-4f0e-9a55-111111111111';
const TINY = ModelName.parse('tiny');
const V1 = SemVer.parse('1.0.0');

/** A set of one file: its events, verdict, digest, copy and closing, cut off at one call. */
async function run(at: number, when: Moment) {
  const interruption = createInterruption();
  interruption.cutAt(at, when);
  const plane = await createIngestPlane(interruption);
  const bytes = safetensors(200);
  const metadata = { 'strata-set': SET };
  await plane.upload('uploads/tiny/1.0.0/a.safetensors', bytes, { metadata });
  const files = [{ file: 'a.safetensors', size: bytes.length }];
  const manifest = JSON.stringify({ schema: 'strata-set/1', set: SET, files });
  await plane.upload('uploads/tiny/1.0.0/strata.json', manifest, { metadata });
  for (let tries = 0; ; tries += 1) {
    try {
      await plane.settle();
      return { plane, calls: interruption.calls(when) };
    } catch (error) {
      // The relay's own call was cut off; its next sweep goes on.
      if (tries === 1) throw error;
    }
  }
}

describe('an ingest that is cut off once', () => {
  it.each(['before', 'after'] as const)('ends the same, whichever call it was (%s its effect)', async (when) => {
    const { calls } = await run(0, when);
    expect(calls).toBeGreaterThan(when === 'before' ? 60 : 10);
    for (let at = 1; at <= calls; at += 1) {
      const { plane } = await run(at, when);
      const version = (await VersionRow.get(plane.catalog, TINY, V1))?.value;
      const digest = version?.files[0]?.digest;
      if (digest === undefined) throw new Error(`not published when call ${at} failed`);
      const blob = (await BlobRow.get(plane.catalog, digest))?.value;
      expect(await plane.objects.head(blobKey(digest), blob?.origin.versionId)).toMatchObject({ outcome: 'found' });
      expect((await ModelRow.get(plane.catalog, TINY))?.value.versions).toBe(1);
      const placed = await plane.messages('placement');
      expect(new Set(placed.map((message) => JSON.stringify(message))).size, `call ${at}`).toBe(1);
      const uploads = await plane.catalog.query({
        partition: 'UPLOAD#uploads/tiny/1.0.0/a.safetensors',
        from: 'VERSION#',
        to: 'VERSION$',
        limit: 10,
      });
      expect(uploads.items.map((item) => UploadRow.parse(item).value.state)).toEqual(['ready']);
    }
  });
});

it.each([
  { why: 'is away', code: 'unavailable', retryable: true },
  { why: 'has a key that was disabled', code: 'access-denied', retryable: false },
] as const)(
  'blames no file for a store that $why for an hour, and goes on afterwards',
  async ({ why, code, retryable }) => {
    let away = true;
    const unavailable = () => new PortError({ code, message: `the store ${why}`, retryable });
    const plane = await createIngestPlane({
      objects: (store) => ({
        ...store,
        readRange: (...args) => (away ? Promise.reject(unavailable()) : store.readRange(...args)),
      }),
    });
    await plane.upload('uploads/tiny/1.0.0/a.safetensors', safetensors(200));
    for (let minutes = 0; minutes < 60; minutes += 10) {
      await plane.settle();
      await plane.clock.advance(10 * MINUTE_MS);
      await plane.reconcile();
    }
    away = false;
    await plane.settle();
    expect((await VersionRow.get(plane.catalog, TINY, V1))?.value.files).toHaveLength(1);
  },
);

describe('an upload whose bytes the plane may not read', () => {
  const KEY = 'uploads/tiny/1.0.0/a.safetensors';

  /**
   * Denied for so many hours, from its first read on or from its digest on, in a bucket with a blob or without; answers its row at the
   * end, and after what was denied may be read again.
   */
  async function denied(
    hours: number,
    from: 'judge' | 'digest',
    of: (key: string) => boolean,
    { hasBlob = true, listsBlobs = true } = {},
  ) {
    let [away, digesting] = [false, from === 'judge'];
    const deny = (): Promise<never> => {
      const message = 'User: plane is not authorized to perform: kms:Decrypt';
      return Promise.reject(new PortError({ code: 'access-denied', message, retryable: false }));
    };
    const plane = await createIngestPlane({
      objects: (store) => ({
        ...store,
        readRange: (...args) => (away && digesting && of(args[0]) ? deny() : store.readRange(...args)),
        write: (...args) => (away && of(args[0]) ? deny() : store.write(...args)),
      }),
      catalog: (store) => ({
        ...store,
        queryIndex: (index, query) =>
          away && !listsBlobs && query.partition.startsWith('SWEEP#') ? deny() : store.queryIndex(index, query),
      }),
    });
    if (hasBlob) await plane.upload('uploads/other/1.0.0/a.safetensors', safetensors(100));
    await plane.settle();
    away = true;
    await plane.upload(KEY, safetensors(200));
    if (from === 'digest') {
      await plane.deliver(...plane.events());
      plane.loseEvents();
      await plane.work('ingest');
      digesting = true;
    }
    for (let minutes = 0; minutes < hours * 60; minutes += 30) {
      await plane.settle();
      await plane.clock.advance(30 * MINUTE_MS);
      // Where no blobs are listed, it compares none of them.
      await plane.reconcile().catch((error: unknown) => {
        if (listsBlobs) throw error;
      });
    }
    const before = await uploadOf(plane);
    away = false;
    await plane.settle();
    return { plane, before, after: await uploadOf(plane) };
  }

  async function uploadOf(plane: Awaited<ReturnType<typeof createIngestPlane>>) {
    const page = await plane.catalog.query({ partition: `UPLOAD#${KEY}`, from: 'VERSION#', to: 'VERSION$', limit: 1 });
    return UploadRow.parse(page.items[0] ?? expect.fail()).value;
  }

  it.each(['judge', 'digest'] as const)('is in quarantine after a day, and its bytes stay (%s)', async (from) => {
    const { plane, after } = await denied(26, from, (key) => key === KEY);
    expect(after).toMatchObject({
      state: 'quarantined',
      quarantine: {
        reason: 'unscannable',
        text: expect.stringMatching(/access denied.*kms:Decrypt.*upload the file again/s),
      },
    });
    expect(after.deniedSince).toBeUndefined();
    expect(await plane.objects.head(KEY, after.versionId)).toMatchObject({ outcome: 'found' });
    expect(plane.telemetry.metrics.filter(({ name }) => name === 'Quarantined')).toHaveLength(1);
  });

  it.each(['judge', 'digest'] as const)('goes on after twenty hours, and no longer counts them (%s)', async (from) => {
    const { before, after } = await denied(20, from, (key) => key === KEY);
    expect(before.deniedSince).toBeDefined();
    expect(after.state).toBe('ready');
    expect(after.deniedSince).toBeUndefined();
  });

  it.each([
    { what: 'everything else is refused as well', from: 'judge', of: () => true, others: {} },
    { what: 'everything else is refused as well', from: 'digest', of: () => true, others: {} },
    { what: 'nothing else is there', from: 'judge', of: (key: string) => key === KEY, others: { hasBlob: false } },
    { what: 'nobody knows of others', from: 'judge', of: () => true, others: { listsBlobs: false } },
  ] as const)('waits for three days where $what, and goes on afterwards ($from)', async ({ from, of, others }) => {
    const { before, after, plane } = await denied(72, from, of, others);
    expect(before.state).toBe(from === 'judge' ? 'observed' : 'digesting');
    expect(before.deniedSince).toBeUndefined();
    expect(after.state).toBe('ready');
    expect(plane.telemetry.metrics.filter(({ name }) => name === 'Quarantined')).toEqual([]);
  });

  it('is not blamed where the place of its copy is what refuses, however long', async () => {
    const { before, after } = await denied(30, 'digest', (key) => key.startsWith('blobs/'));
    expect(before.state).toBe('digesting');
    expect(after.state).toBe('ready');
  });
});
