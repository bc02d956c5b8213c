import { describe, expect, it } from 'vitest';
import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { ActionRow, type Blob, BlobRow, CopyRow } from '../../lib/catalog/index.ts';
import { blobReader } from '../../lib/ingest/blobReader.ts';
import { repairBlobs } from '../../lib/ingest/repairBlobs.ts';
import { sweepOrphans } from '../../lib/orphans/index.ts';
import { compileRates, isReadAtOnce } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { restoreArchived } from '../../lib/restores/index.ts';
import { blobKey, manifestKey } from '../../lib/shared/digest.ts';
import { CorrelationId, ModelName, type StorageClass } from '../../lib/shared/ids.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { DAY_MS, DurationMs, MINUTE_MS } from '../../lib/shared/units.ts';
import { decidedTransition } from '../support/decidedTransition.ts';
import { type Between, createInterruption } from '../support/interruption.ts';
import { addWhole, noise, weights } from '../support/packableBlob.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const correlationId = CorrelationId.parse('test');

const createPackingWorld = (between?: Between) => createTieringWorld(between, 'on', { tierPacking: 'on' });

/** A decided transition with its message, as a sweep would have written it. */
async function decide(world: TieringWorld, blob: Blob, wish: Partial<TransitionReplica>): Promise<TransitionReplica> {
  const now = world.clock.now();
  const { action, message } = decidedTransition(await world.blob(blob.digest), `${now}`, now, wish);
  await world.catalog.transact([ActionRow.put(action, 'absent')]);
  return message;
}

const PACK = { encoding: 'byteplane-zstd-1', belowRatio: 0.8 } as const;

async function finish(world: TieringWorld, message: TransitionReplica): Promise<void> {
  await world.deliver('transition', message);
  await world.clock.advance(16 * MINUTE_MS);
  await world.run();
}

async function packed(between?: Between, storageClass: StorageClass = 'STANDARD') {
  const world = await createPackingWorld(between);
  const bytes = weights(1);
  const blob = await addWhole(world, bytes, storageClass);
  await finish(world, await decide(world, blob, PACK));
  return { world, blob, bytes };
}

/** As `restoreArchived` is asked by a host that resolves the model. */
async function read(world: TieringWorld, { digest }: Blob) {
  const wish = { model: ModelName.parse('flux'), blobs: [await world.blob(digest)], reason: 'read' as const };
  return (await restoreArchived({ ...world.deps, rates }, { ...wish, correlationId, limits: undefined })).asked;
}

const bytesOf = (world: TieringWorld, { digest }: Blob) =>
  world.objects.listVersions({ prefix: blobKey(digest), limit: 9 });

async function originVersions(world: TieringWorld, blob: Blob) {
  return (await bytesOf(world, blob)).versions.filter(({ key }) => key === blobKey(blob.digest));
}

/** After any history: one object that the catalog names, whole in its encoding, and nothing else that is paid for. */
async function expectSound(world: TieringWorld, blob: Blob, bytes: Buffer): Promise<Blob> {
  const now = await world.blob(blob.digest);
  const { location, packed: packing, storageClass, versionId } = now.origin;
  const size = packing?.bytes ?? blob.size;
  expect(await originVersions(world, blob)).toMatchObject([{ versionId, storageClass, size, isLatest: true }]);
  expect(await world.replicas(blob.digest)).toMatchObject([{ location, versionId, state: 'verified', bytes: size }]);
  // One that was begun and not noted before its call died has no part yet; the sweep of orphans takes it away.
  for (const { key, resume } of (await world.objects.listUnfinishedCopies({ prefix: 'blobs/', limit: 9 })).copies) {
    expect(await world.objects.writtenParts(key, resume)).toEqual(new Map());
  }
  if (packing === undefined) {
    const answer = await world.objects.readRange(blobKey(blob.digest), versionId, 0, size);
    expect(answer.outcome === 'read' && Buffer.compare(answer.bytes, bytes)).toBe(0);
  }
  return now;
}

describe('packing an origin', () => {
  it('ends without a trace what was queued when it is switched off, also what was begun', async () => {
    const world = await createPackingWorld();
    const bytes = weights(1);
    const blob = await addWhole(world, bytes);
    const message = await decide(world, blob, PACK);
    // One part a call.
    await world.deliver('transition', message, () => 0);
    expect((await world.objects.listUnfinishedCopies({ prefix: 'blobs/', limit: 9 })).copies).toHaveLength(1);
    Object.assign(world.deps.settings, { tierPacking: 'off' });
    await world.run();
    expect((await world.actions(blob.digest))[0]).toMatchObject({
      state: 'failed',
      outcome: { code: 'packing-switched-off', text: expect.stringContaining('Packing is switched off') },
    });
    const { origin } = await expectSound(world, blob, bytes);
    expect(origin.packed).toBeUndefined();
    expect((await world.objects.listUnfinishedCopies({ prefix: 'blobs/', limit: 9 })).copies).toEqual([]);
    expect(world.counted('TransitionStep', 'packing-switched-off')).toBe(1);
  });

  it('verifies what it has written by unpacking it, switches, and deletes the bytes that were packed later', async () => {
    const world = await createPackingWorld();
    const bytes = weights(1);
    const blob = await addWhole(world, bytes);
    const message = await decide(world, blob, PACK);
    await world.deliver('transition', message);
    const { origin, tier, transitionedAt, compressibility } = await world.blob(blob.digest);
    expect(origin).toMatchObject({ location: 's3:eu-west-1:STANDARD:packed', storageClass: 'STANDARD' });
    expect(origin.packed?.bytes).toBeLessThan(0.7 * blob.size);
    expect(compressibility).toMatchObject({ ratio: (origin.packed?.bytes ?? 0) / blob.size, sampledBytes: blob.size });
    expect([tier, transitionedAt]).toEqual(['hot', undefined]);
    expect(await originVersions(world, blob)).toHaveLength(2);
    expect((await world.actions(blob.digest))[0]?.outcome).toMatchObject({
      code: 'switched',
      text: expect.stringMatching(/packed from 195\.31 KiB, verified by reading back 4 parts/),
    });
    await world.clock.advance(16 * MINUTE_MS);
    await world.run();
    await expectSound(world, blob, bytes);
    expect(await CopyRow.get(world.catalog, blob.digest, message.actionId)).toBeUndefined();
  });

  it('may go with a change of class, and a later change of class leaves it packed', async () => {
    const world = await createPackingWorld();
    const bytes = weights(1);
    const blob = await addWhole(world, bytes);
    await finish(world, await decide(world, blob, { ...PACK, to: 'STANDARD_IA' }));
    const first = await expectSound(world, blob, bytes);
    expect(first).toMatchObject({ tier: 'warm', previousTier: 'hot', origin: { storageClass: 'STANDARD_IA' } });
    await finish(world, await decide(world, blob, { to: 'GLACIER_IR' }));
    const second = await expectSound(world, blob, bytes);
    expect(second.origin).toMatchObject({ location: 's3:eu-west-1:GLACIER_IR:packed', packed: first.origin.packed });
  });

  it('goes on over as many calls as it takes, also with reading back', async () => {
    const world = await createPackingWorld();
    const bytes = weights(1);
    const blob = await addWhole(world, bytes);
    const message = await decide(world, blob, PACK);
    let calls = 0;
    for (let body: unknown = message; body !== undefined; calls += 1) {
      expect(await world.deliver('transition', body, () => 0)).toBe(true);
      body = (await world.takeOutbox()).find(({ delaySeconds }) => delaySeconds === 0)?.body;
    }
    // Four calls that write a part, of which the last one reads one back, and three that read one back.
    expect(calls).toBe(7);
    expect((await world.blob(blob.digest)).origin.packed).toBeDefined();
  });

  it('leaves what gets hardly smaller, remembers what it has measured, and keeps nothing of the try', async () => {
    const world = await createPackingWorld();
    const bytes = noise();
    const blob = await addWhole(world, bytes);
    await finish(world, await decide(world, blob, PACK));
    const after = await expectSound(world, blob, bytes);
    expect(after.origin).toEqual(blob.origin);
    expect(after.compressibility?.ratio).toBeGreaterThanOrEqual(0.8);
    expect((await world.actions(blob.digest))[0]).toMatchObject({
      state: 'failed',
      outcome: { code: 'hardly-smaller' },
    });
  });

  it('of an origin that is not what its digest names changes nothing and says so', async () => {
    const world = await createPackingWorld();
    const blob = await addWhole(world, weights(1));
    const other = await world.objects.write(blobKey(blob.digest), weights(2));
    const versionId = other.outcome === 'written' ? other.versionId : '';
    const row = await BlobRow.get(world.catalog, blob.digest);
    const damaged = { ...blob, origin: { ...blob.origin, versionId } };
    await world.catalog.transact([BlobRow.put(damaged, { version: row!.version })]);
    await finish(world, await decide(world, blob, PACK));
    expect((await world.blob(blob.digest)).origin).toEqual(damaged.origin);
    expect((await world.actions(blob.digest))[0]?.outcome?.code).toBe('source-differs');
    expect(world.records).toContainEqual(expect.objectContaining({ level: 'error' }));
  });

  it('waits for a part manifest that was lost', async () => {
    const world = await createPackingWorld();
    const blob = await addWhole(world, weights(1));
    await world.objects.remove(manifestKey(blob.digest));
    const message = await decide(world, blob, PACK);
    expect(await world.deliver('transition', message)).toBe(false);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
  });

  it('never switches to packed bytes that do not give the blob back', async () => {
    const spoil = (store: ObjectStore): ObjectStore => ({
      ...store,
      async writePart(key, resume, number, bytes) {
        const other = Buffer.from(bytes);
        if (number === 2) other[other.length - 10] = (other[other.length - 10] ?? 0) ^ 1;
        return store.writePart(key, resume, number, other);
      },
    });
    const world = await createPackingWorld({ catalog: (store) => store, objects: spoil });
    const bytes = weights(1);
    const blob = await addWhole(world, bytes);
    await finish(world, await decide(world, blob, PACK));
    expect((await expectSound(world, blob, bytes)).origin).toEqual(blob.origin);
    expect((await world.actions(blob.digest))[0]?.outcome?.code).toBe('copy-differs');
  });
});

describe('a read of a packed blob', () => {
  it('is told when it can be read; the origin is unpacked, verified and judged again', async () => {
    const { world, blob, bytes } = await packed();
    const [asked] = await read(world, blob);
    expect(asked).toMatchObject({ known: false, restore: { tier: 'unpack', state: 'asked' } });
    expect((asked?.restore.readyAt ?? 0) - world.clock.now()).toBeLessThan(2 * MINUTE_MS);
    expect(await read(world, blob)).toMatchObject([{ known: true }]);
    await world.run(2);
    await world.clock.advance(16 * MINUTE_MS);
    await world.run();
    const { origin } = await expectSound(world, blob, bytes);
    expect(origin).toMatchObject({ location: 's3:eu-west-1:STANDARD_IA', storageClass: 'STANDARD_IA' });
    expect(world.rescans).toEqual([blob.digest]);
    expect(await world.restore(blob.digest)).toBeUndefined();
    expect(await read(world, blob)).toEqual([]);
    const [unpack] = (await world.actions(blob.digest)).filter(({ chosen }) => chosen.startsWith('unpack'));
    expect(unpack).toMatchObject({ state: 'done', reason: 'restored', chosen: 'unpack STANDARD_IA' });
    expect(unpack?.alternatives[0]?.action).toMatch(/^keep /);
    expect(unpack?.alternatives.map(({ action }) => action)).toContain('unpack STANDARD_IA');
  });

  it('that is archived as well is restored first, and then unpacked', async () => {
    const { world, blob, bytes } = await packed();
    await finish(world, await decide(world, blob, { to: 'GLACIER' }));
    expect(await read(world, blob)).toMatchObject([{ restore: { tier: 'standard' } }]);
    await world.run();
    await world.clock.advance(10 * MINUTE_MS);
    await world.tellRestores();
    await world.run(1);
    await world.clock.advance(16 * MINUTE_MS);
    await world.run();
    const { origin } = await expectSound(world, blob, bytes);
    expect(origin).toMatchObject({ location: 's3:eu-west-1:STANDARD_IA' });
  });

  it('goes before a move to an archive that was decided earlier', async () => {
    const { world, blob, bytes } = await packed();
    const move = await decide(world, blob, { to: 'GLACIER' });
    expect(await read(world, blob)).toMatchObject([{ restore: { tier: 'unpack' } }]);
    await world.deliver('transition', move);
    expect(world.counted('TransitionStep', 'origin-moved')).toBe(1);
    await world.run(2);
    await world.clock.advance(16 * MINUTE_MS);
    await world.run();
    const { origin } = await expectSound(world, blob, bytes);
    expect(origin).toMatchObject({ location: 's3:eu-west-1:STANDARD_IA' });
  });

  it('never gets damaged bytes: the packed object stays what it is, and the restore is given up', async () => {
    const { world, blob } = await packed();
    const { origin } = await world.blob(blob.digest);
    const found = await world.objects.readRange(blobKey(blob.digest), origin.versionId, 0, origin.packed?.bytes ?? 0);
    const bytes = Buffer.from(found.outcome === 'read' ? found.bytes : []);
    bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
    const spoilt = await world.objects.write(blobKey(blob.digest), bytes);
    const row = await BlobRow.get(world.catalog, blob.digest);
    const versionId = spoilt.outcome === 'written' ? spoilt.versionId : '';
    const damaged = { ...row!.value, origin: { ...origin, versionId } };
    await world.catalog.transact([BlobRow.put(damaged, { version: row!.version })]);
    await read(world, blob);
    for (let round = 0; round < 20; round += 1) {
      await world.run();
      await world.clock.advance(31 * MINUTE_MS);
      await world.watchRestores();
    }
    expect((await world.blob(blob.digest)).origin).toEqual(damaged.origin);
    expect(await world.restore(blob.digest)).toBeUndefined();
    const failed = (await world.actions(blob.digest)).filter(({ outcome }) => outcome?.code === 'source-differs');
    expect(failed).toHaveLength(5);
  });
});

describe('a packed origin', () => {
  const call = (world: TieringWorld) => ({ telemetry: world.deps.telemetry, remainingMs: () => 600_000 });

  it('gets a part manifest that was lost back from its own index', async () => {
    const { world, blob, bytes } = await packed();
    await world.objects.remove(manifestKey(blob.digest));
    const settings = { ...world.deps.settings, partSize: blob.partSize, maxUploadBytes: 1, scanPolicy: {} as never };
    const deps = { ...world.deps, scanner: {} as never, settings };
    expect(await repairBlobs(deps, call(world))).toEqual({ repaired: 1, failures: [] });
    await expectSound(world, blob, bytes);
    await read(world, blob);
    await finish(world, await decide(world, blob, { encoding: 'identity' }));
    await world.run();
    expect((await expectSound(world, blob, bytes)).origin.packed).toBeUndefined();
  });

  it('counts as whole for the sweep of orphans, which takes away what nothing names beside it', async () => {
    const { world, blob, bytes } = await packed();
    await world.objects.write(blobKey(blob.digest), noise());
    const settings = { orphanSweep: 'on' as const, orphanGraceMs: DurationMs.parse(DAY_MS) };
    for (const sweepId of ['first', 'second']) {
      await world.clock.advance(2 * DAY_MS);
      const scheduledAt = world.clock.now();
      const message = { schema: 'sweep-orphans/1' as const, sweepId, scheduledAt, correlationId };
      await sweepOrphans({ ...world.deps, settings }, message, call(world));
    }
    await expectSound(world, blob, bytes);
  });

  it('is read by the scanner as what it was packed from, and by nobody else as anything', async () => {
    const { world, blob, bytes } = await packed();
    const now = await world.blob(blob.digest);
    const reader = blobReader(world.objects, now);
    expect(reader.size).toBe(bytes.length);
    expect(Buffer.compare(await reader.read(70_000, 100_000), bytes.subarray(70_000, 170_000))).toBe(0);
    expect(isReadAtOnce(now.origin, rates)).toBe(false);
    expect(isReadAtOnce(blob.origin, rates)).toBe(true);
  });
});

describe('packing and unpacking that are killed', () => {
  async function killed(wish: Partial<TransitionReplica>, start: typeof packed | undefined) {
    const interruption = createInterruption();
    const begin = async () => {
      interruption.cutAt(0);
      const one = start === undefined ? undefined : await start(interruption);
      const world = one?.world ?? (await createPackingWorld(interruption));
      const bytes = weights(1);
      const blob = one?.blob ?? (await addWhole(world, bytes));
      return { world, blob, bytes, message: await decide(world, blob, wish) };
    };
    const undisturbed = await begin();
    interruption.cutAt(0);
    await finish(undisturbed.world, undisturbed.message);
    const calls = { before: interruption.calls('before'), after: interruption.calls('after') };
    expect(calls.before).toBeGreaterThan(25);
    for (const moment of ['before', 'after'] as const) {
      for (let nth = 1; nth <= calls[moment]; nth += 1) {
        const { world, blob, bytes, message } = await begin();
        interruption.cutAt(nth, moment);
        await world.deliver('transition', message);
        await world.deliver('transition', message);
        await world.clock.advance(16 * MINUTE_MS);
        for (const { queue, body } of await world.takeOutbox()) {
          if (queue !== 'transition') continue;
          await world.deliver('transition', body);
          await world.deliver('transition', body);
        }
        const after = await expectSound(world, blob, bytes);
        expect(after.origin.packed === undefined).toBe(wish.encoding === 'identity');
        expect((await world.actions(blob.digest)).every(({ state }) => state === 'done')).toBe(true);
        expect(await CopyRow.get(world.catalog, blob.digest, message.actionId)).toBeUndefined();
      }
    }
  }

  it('pack once, whatever call they died at', () => killed(PACK, undefined), 60_000);

  it('unpack once, whatever call they died at', () => killed({ encoding: 'identity' }, packed), 60_000);

  it('switch once when they are delivered many times at once', async () => {
    const world = await createPackingWorld();
    const bytes = weights(1);
    const blob = await addWhole(world, bytes);
    const message = await decide(world, blob, PACK);
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([1, 2, 3, 4].map(() => world.deliver('transition', message)));
    }
    await world.clock.advance(16 * MINUTE_MS);
    await world.run();
    const { origin } = await expectSound(world, blob, bytes);
    expect(origin.packed).toBeDefined();
  });
});
