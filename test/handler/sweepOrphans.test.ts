import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BlobRow, CopyRow, OrphanRow, VersionRow } from '../../lib/catalog/index.ts';
import { blobKey, manifestKey } from '../../lib/shared/digest.ts';
import { Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { createInterruption } from '../support/interruption.ts';
import { createManualClock } from '../support/manualClock.ts';
import { slowCopies } from '../support/slowCopies.ts';
import { createIngestPlane, type IngestPlane, safetensors } from '../support/ingestPlane.ts';

const BYTES = safetensors(200);

async function publish(plane: IngestPlane, model = 'tiny') {
  await plane.upload(`uploads/${model}/1.0.0/a.safetensors`, BYTES);
  await plane.settle();
  const version = await VersionRow.get(plane.catalog, ModelName.parse(model), SemVer.parse('1.0.0'));
  return version!.value.files[0]!.digest;
}

const digestOf = (text: string): Digest => Digest.parse(createHash('sha256').update(text).digest('hex'));

async function versions(plane: IngestPlane, prefix = 'blobs/') {
  const listed = await plane.objects.listVersions({ prefix, limit: 1000 });
  return listed.versions.map(({ key, versionId }) => `${key} ${versionId}`).toSorted();
}

const origin = async (plane: IngestPlane, digest: Digest) =>
  (await BlobRow.get(plane.catalog, digest))!.value.origin.versionId;

/** What a killed transition, or an upload that lost a race, leaves: one more version of the bytes. */
async function strayCopy(plane: IngestPlane, digest: Digest) {
  const source = { key: blobKey(digest), versionId: await origin(plane, digest) };
  const copied = await plane.objects.copy(source, blobKey(digest), { storageClass: 'STANDARD_IA' });
  if (copied.outcome !== 'written') throw new Error(copied.outcome);
  return copied.versionId;
}

/** Bytes and manifest of a digest that the catalog forgot, as when a publication dies before its last write. */
async function unpublish(plane: IngestPlane, digest: Digest) {
  const page = await plane.catalog.query({ partition: `BLOB#${digest}`, limit: 100 });
  await plane.catalog.transact(
    page.items.map((item) => ({ kind: 'delete' as const, key: item.key, expect: { version: item.version } })),
  );
}

async function nextNight(plane: IngestPlane) {
  await plane.clock.advance(DAY_MS);
  return plane.sweepOrphans();
}

const counted = (plane: IngestPlane, reason: string) =>
  plane.telemetry.metrics
    .filter((one) => one.name === 'OrphanVersions' && (one.dimensions as { reason?: string }).reason === reason)
    .reduce((sum, one) => sum + one.value, 0);

describe('the sweep of orphans', () => {
  it('condemns what no row names one night, deletes it the next, and leaves what is served', async () => {
    const plane = await createIngestPlane();
    const digest = await publish(plane);
    const before = await versions(plane);
    await strayCopy(plane, digest);
    await nextNight(plane);
    expect(await versions(plane)).toHaveLength(3);
    expect(counted(plane, 'unnamed')).toBe(1);
    await nextNight(plane);
    expect(await versions(plane)).toEqual(before);
    expect(counted(plane, 'unnamed-for-long')).toBe(1);
    await nextNight(plane);
    expect(await versions(plane)).toEqual(before);
    const marks = await plane.catalog.query({ partition: `BLOB#${digest}`, from: 'ORPHAN#', to: 'ORPHAN$', limit: 10 });
    expect(marks.items.map((item) => OrphanRow.parse(item).value)).toMatchObject([
      { state: 'deleting', expiresAt: plane.clock.now() },
    ]);
  });

  it('sweeps bytes and manifest of a publication that never came to its end', async () => {
    const plane = await createIngestPlane();
    await unpublish(plane, await publish(plane));
    for (let night = 0; night < 2; night += 1) await nextNight(plane);
    expect(await versions(plane)).toEqual([]);
  });

  it('spares what is younger than the grace, what a copy’s row names and what is not Strata’s', async () => {
    const plane = await createIngestPlane();
    const digest = await publish(plane);
    await plane.objects.write('blobs/readme.txt', Buffer.from('hello'));
    await plane.clock.advance(DAY_MS);
    await strayCopy(plane, digest);
    await plane.sweepOrphans();
    expect(counted(plane, 'young')).toBe(1);
    expect(counted(plane, 'foreign')).toBe(1);
    expect(counted(plane, 'unnamed')).toBe(0);
    expect(await versions(plane)).toHaveLength(4);
  });

  it('gives up a condemnation when the same bytes are uploaded again and the copy is adopted', async () => {
    const plane = await createIngestPlane();
    const digest = await publish(plane);
    await unpublish(plane, digest);
    const before = await versions(plane);
    await nextNight(plane);
    expect(await publish(plane, 'again')).toBe(digest);
    for (let night = 0; night < 3; night += 1) await nextNight(plane);
    expect(await versions(plane)).toEqual(before);
    expect(await OrphanRow.get(plane.catalog, digest, 'bytes', await origin(plane, digest))).toBeUndefined();
  });

  it('is not overtaken by an upload of the same bytes once a deletion was announced', async () => {
    const plane = await createIngestPlane();
    const digest = await publish(plane);
    const doomed = await origin(plane, digest);
    await unpublish(plane, digest);
    await nextNight(plane);
    const page = await plane.catalog.query({ partition: `BLOB#${digest}`, from: 'ORPHAN#', to: 'ORPHAN$', limit: 10 });
    const marks = page.items.map((item) => OrphanRow.parse(item));
    expect(marks).toHaveLength(2);
    await plane.catalog.transact(
      marks.map(({ value, version }) => OrphanRow.put({ ...value, state: 'deleting' }, { version })),
    );
    await publish(plane, 'again');
    expect(await origin(plane, digest)).not.toBe(doomed);
    await nextNight(plane);
    expect(await versions(plane, blobKey(digest))).toHaveLength(2);
    expect(await plane.objects.head(blobKey(digest), await origin(plane, digest))).toMatchObject({ outcome: 'found' });
    expect(await plane.objects.head(manifestKey(digest))).toMatchObject({ outcome: 'found' });
  });

  it('is not overtaken by an upload that saw the version before its deletion was announced', async () => {
    let meanwhile = async () => {};
    const plane = await createIngestPlane({
      objects: (store): ObjectStore => ({
        ...store,
        readRange: async (key, ...rest) => {
          const read = await store.readRange(key, ...rest);
          if (key.startsWith('blobs/') && !key.endsWith('.parts')) await meanwhile();
          return read;
        },
      }),
    });
    const digest = await publish(plane);
    const doomed = await origin(plane, digest);
    await unpublish(plane, digest);
    await nextNight(plane);
    meanwhile = async () => {
      meanwhile = async () => {};
      await nextNight(plane);
    };
    await publish(plane, 'again');
    expect(await origin(plane, digest)).not.toBe(doomed);
    expect(await plane.objects.head(blobKey(digest), await origin(plane, digest))).toMatchObject({ outcome: 'found' });
  });

  it('keeps every version of a blob whose origin is not in the bucket', async () => {
    const plane = await createIngestPlane();
    const digest = await publish(plane);
    await strayCopy(plane, digest);
    await plane.objects.remove(blobKey(digest), await origin(plane, digest));
    for (let night = 0; night < 3; night += 1) await nextNight(plane);
    expect(counted(plane, 'origin-missing')).toBe(3);
    expect(await versions(plane)).toHaveLength(2);
  });

  it('abandons copies by parts that nobody goes on with, and no others', async () => {
    const clock = createManualClock();
    const copies: { store: ObjectStore | undefined } = { store: undefined };
    const plane = await createIngestPlane({
      objects: (store) => (copies.store = slowCopies(store, clock, () => 9)),
    });
    const begin = async (digest: Digest, saved: boolean) => {
      const source = await plane.upload('uploads/x', 'x');
      if (source.outcome !== 'written') throw new Error(source.outcome);
      const begun = async (resume: string) => {
        const times = { startedAt: clock.now(), expiresAt: EpochMs.parse(plane.clock.now() + 7 * DAY_MS) };
        const row = CopyRow.put({ digest, purpose: 'publish', resume, ...times }, 'absent');
        if (saved) await plane.catalog.transact([row]);
      };
      const from = { key: 'uploads/x', versionId: source.versionId };
      await copies.store?.copy(from, blobKey(digest), { resumable: { begun, mayGoOn: () => false } });
    };
    await begin(digestOf('forgotten'), false);
    await begin(digestOf('under way'), true);
    const left = async () => (await copies.store!.listUnfinishedCopies({ prefix: 'blobs/', limit: 10 })).copies;
    await plane.sweepOrphans();
    expect(await left()).toHaveLength(2);
    await nextNight(plane);
    expect(await left()).toMatchObject([{ key: blobKey(digestOf('under way')) }]);
    for (let night = 0; night < 7; night += 1) await nextNight(plane);
    expect(await left()).toEqual([]);
  });

  it('fails, and sweeps nothing, where most of a page is unnamed: the catalog is the likelier one to be wrong', async () => {
    const plane = await createIngestPlane();
    for (let count = 0; count < 120; count += 1) {
      await plane.objects.write(blobKey(digestOf(String(count))), Buffer.from('x'));
    }
    expect(await nextNight(plane)).toEqual({ messages: 1, failed: 1 });
    expect((await plane.catalog.query({ partition: `BLOB#${digestOf('1')}`, limit: 10 })).items).toEqual([]);
    expect(await versions(plane)).toHaveLength(120);
  });

  it('goes over a larger bucket in sixteen stretches, and goes on by message when its time is up', async () => {
    const plane = await createIngestPlane({ remainingMs: () => 45_000 });
    const stray = blobKey(Digest.parse('a'.repeat(64)));
    await plane.objects.write(stray, Buffer.from('x'));
    await plane.clock.advance(DAY_MS);
    for (let count = 0; count < 1000; count += 1) {
      const digest = Digest.parse(`a${digestOf(String(count)).slice(1)}`);
      await plane.objects.write(blobKey(digest), Buffer.from('x'));
    }
    // The first message, sixteen stretches, and that of the digit a in three pages.
    expect(await plane.sweepOrphans()).toEqual({ messages: 1 + 16 + 2, failed: 0 });
    expect(counted(plane, 'unnamed')).toBe(1);
    expect(counted(plane, 'young')).toBe(1000);
  });

  it('only reports in a dry run, and does nothing when it is off', async () => {
    const plane = await createIngestPlane({ orphanSweep: 'dry-run' });
    const digest = await publish(plane);
    await strayCopy(plane, digest);
    for (let night = 0; night < 3; night += 1) await nextNight(plane);
    expect(await versions(plane)).toHaveLength(3);
    expect(counted(plane, 'unnamed')).toBe(3);
    const off = await createIngestPlane({ orphanSweep: 'off' });
    await strayCopy(off, await publish(off));
    expect(await nextNight(off)).toEqual({ messages: 0, failed: 0 });
  });

  it('ends in the same rows and objects wherever it was cut off', async () => {
    for (const when of ['before', 'after'] as const) {
      for (let at = 1; ; at += 1) {
        const interruption = createInterruption();
        const plane = await createIngestPlane(interruption);
        const digest = await publish(plane);
        const before = await versions(plane);
        await strayCopy(plane, digest);
        await nextNight(plane);
        interruption.cutAt(at, when);
        await nextNight(plane).catch(() => undefined);
        const calls = interruption.calls(when);
        interruption.cutAt(0);
        await nextNight(plane);
        expect(await versions(plane)).toEqual(before);
        if (calls < at) break;
      }
    }
  });
});
