import { describe, expect, it } from 'vitest';
import { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { ActionRow, type Blob, BlobRow, CopyRow, ReplicaRow } from '../../lib/catalog/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { HostId, hostLocation } from '../../lib/shared/ids.ts';
import type { ObjectStore } from '../../lib/shared/ports/objectStore.ts';
import { DAY_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { createManualClock } from '../support/manualClock.ts';
import { slowCopies } from '../support/slowCopies.ts';
import { type Between, createInterruption } from '../support/interruption.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

/** A world with one transition that is decided and sent. */
async function decided(between?: Between) {
  const world = await createTieringWorld(between);
  const blob = await world.addBlob(1, 40);
  await world.fireSweep();
  const [message] = await world.runSweep();
  return { world, blob, message: message!.body };
}

async function readAll(world: TieringWorld, blob: Blob, versionId: string): Promise<string> {
  const read = await world.objects.readRange(blobKey(blob.digest), versionId, 0, blob.size);
  return read.outcome === 'read' ? Buffer.from(read.bytes).toString('latin1') : read.outcome;
}

/** What must hold after any history: the catalog's origin lies in the bucket, whole, in its class, and nothing else is paid for. */
async function expectSound(world: TieringWorld, blob: Blob): Promise<void> {
  const { origin } = await world.blob(blob.digest);
  const versions = await world.versions(blob.digest);
  expect(versions).toMatchObject([
    { versionId: origin.versionId, storageClass: origin.storageClass, size: blob.size, isLatest: true },
  ]);
  expect(await world.replicas(blob.digest)).toMatchObject([
    { location: origin.location, versionId: origin.versionId, state: 'verified' },
  ]);
}

async function finish(world: TieringWorld, message: unknown): Promise<void> {
  await world.deliver('transition', message);
  await world.clock.advance(16 * MINUTE_MS);
  await world.run();
}

describe('a transition', () => {
  it('copies, verifies, switches, and deletes the old copy a quarter of an hour later', async () => {
    const { world, blob, message } = await decided();
    const before = await readAll(world, blob, blob.origin.versionId);
    await world.deliver('transition', message);
    const switched = await world.blob(blob.digest);
    expect(switched.origin).toMatchObject({ storageClass: 'STANDARD_IA' });
    expect(await world.versions(blob.digest)).toHaveLength(2);
    expect((await world.replicas(blob.digest)).map(({ state }) => state).toSorted()).toEqual(['evicting', 'verified']);
    const [later] = await world.takeOutbox();
    expect(later).toMatchObject({ queue: 'transition', delaySeconds: 900 });
    await world.deliver('transition', later!.body);
    await expectSound(world, blob);
    expect(await readAll(world, blob, switched.origin.versionId)).toBe(before);
  });

  it('goes on with a copy that takes longer than one call', async () => {
    const clock = createManualClock();
    const { world, blob, message } = await decided({
      catalog: (store) => store,
      objects: (store) => slowCopies(store, clock, () => 3),
    });
    await world.deliver('transition', message);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
    expect(await CopyRow.get(world.catalog, blob.digest, (message as { actionId: string }).actionId)).toBeDefined();
    await world.clock.advance(16 * MINUTE_MS);
    await world.run();
    await expectSound(world, blob);
    expect(world.counted('TransitionStep', 'copying')).toBe(2);
    expect(await CopyRow.get(world.catalog, blob.digest, (message as { actionId: string }).actionId)).toBeUndefined();
  });

  it('abandons a copy whose action has ended meanwhile', async () => {
    const clock = createManualClock();
    const copies: { store: ObjectStore | undefined } = { store: undefined };
    const { world, blob, message } = await decided({
      catalog: (store) => store,
      objects: (store) => (copies.store = slowCopies(store, clock, () => 9)),
    });
    await world.deliver('transition', message);
    const [goesOn] = await world.takeOutbox();
    const { actionId } = TransitionReplica.parse(goesOn!.body);
    const action = await ActionRow.get(world.catalog, actionId);
    const expired = ActionRow.put({ ...action!.value, state: 'expired' }, { version: action!.version });
    await world.catalog.transact([expired]);
    await world.deliver('transition', goesOn!.body);
    expect(await copies.store?.listUnfinishedCopies({ prefix: 'blobs/', limit: 10 })).toEqual({ copies: [] });
    expect(await CopyRow.get(world.catalog, blob.digest, actionId)).toBeUndefined();
  });

  it('keeps the old copy while a host fills from it, and deletes it afterwards', async () => {
    const { world, blob, message } = await decided();
    await world.deliver('transition', message);
    const host = HostId.parse('gpu-a');
    const fill = {
      digest: blob.digest,
      location: hostLocation('nvme', host),
      host: { id: host, generation: 1 },
      state: 'reserved' as const,
      bytes: blob.size,
      versionId: blob.origin.versionId,
      pinned: false,
      checkedAt: world.clock.now(),
    };
    await world.catalog.transact([ReplicaRow.put(fill, 'absent')]);
    for (let times = 0; times < 3; times += 1) {
      const [later] = await world.takeOutbox();
      await world.deliver('transition', later!.body);
      await world.deliver('transition', later!.body);
    }
    expect(await world.versions(blob.digest)).toHaveLength(2);
    expect(world.counted('TransitionStep', 'wait')).toBe(6);
    await world.catalog.transact([
      { kind: 'delete', key: ReplicaRow.key(blob.digest, fill.location), expect: { version: 1 } },
    ]);
    await world.run();
    await expectSound(world, blob);
  });

  it('delivered again after the switch does not delete before its time', async () => {
    const { world, blob, message } = await decided();
    await world.deliver('transition', message);
    await world.deliver('transition', message);
    expect(world.counted('TransitionStep', 'finished')).toBe(1);
    expect(await world.versions(blob.digest)).toHaveLength(2);
  });

  it('of a blob that was overwritten meanwhile ends without a trace', async () => {
    const { world, blob, message } = await decided();
    const written = await world.objects.write(blobKey(blob.digest), Buffer.alloc(blob.size, 1));
    const row = (await BlobRow.get(world.catalog, blob.digest))!;
    const versionId = written.outcome === 'written' ? written.versionId : '';
    const origin = { ...row.value.origin, versionId };
    await world.catalog.transact([BlobRow.put({ ...row.value, origin }, { version: row.version })]);
    await finish(world, message);
    expect((await world.blob(blob.digest)).origin).toEqual(origin);
    expect(await world.versions(blob.digest)).toHaveLength(2);
  });

  it('of an archived object ends with what to do', async () => {
    const { world, blob, message } = await decided();
    const key = blobKey(blob.digest);
    const archived = await world.objects.copy({ key, versionId: blob.origin.versionId }, key, {
      storageClass: 'GLACIER',
    });
    const versionId = archived.outcome === 'written' ? archived.versionId : '';
    const row = (await BlobRow.get(world.catalog, blob.digest))!;
    await world.catalog.transact([
      BlobRow.put({ ...row.value, origin: { ...row.value.origin, versionId } }, { version: row.version }),
    ]);
    const from = { storageClass: 'STANDARD', versionId };
    await finish(world, { ...(message as object), from });
    const [action] = await world.actions(blob.digest);
    expect(action).toMatchObject({ state: 'failed', outcome: { code: 'source-archived' } });
    expect(await world.versions(blob.digest)).toHaveLength(2);
  });

  it('whose source is not in the bucket fails, says so loudly and deletes nothing', async () => {
    const { world, blob, message } = await decided();
    await world.objects.remove(blobKey(blob.digest), blob.origin.versionId);
    await finish(world, message);
    expect((await world.actions(blob.digest))[0]).toMatchObject({
      state: 'failed',
      outcome: { code: 'source-absent' },
    });
    expect(world.records.some(({ level, event }) => level === 'error' && event === 'origin missing')).toBe(true);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
  });

  it('never deletes the old copy when the new one is not in the bucket', async () => {
    const { world, blob, message } = await decided();
    await world.deliver('transition', message);
    const { origin } = await world.blob(blob.digest);
    await world.objects.remove(blobKey(blob.digest), origin.versionId);
    const [later] = await world.takeOutbox();
    expect(await world.deliver('transition', later!.body)).toBe(false);
    expect((await world.versions(blob.digest)).map(({ versionId }) => versionId)).toEqual([blob.origin.versionId]);
  });

  it('whose copy is not what was asked for is undone', async () => {
    const { world, blob, message } = await decided({
      catalog: (store) => store,
      objects: (store) => ({
        ...store,
        copy: (source, key, options) => store.copy(source, key, { ...options, storageClass: 'GLACIER_IR' }),
      }),
    });
    await finish(world, message);
    expect((await world.actions(blob.digest))[0]).toMatchObject({ state: 'failed', outcome: { code: 'copy-differs' } });
    await expectSound(world, blob);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
  });

  it('whose action has expired takes back what a killed try has copied', async () => {
    const { world, blob, message } = await decided({
      catalog: (store) => store,
      objects: (store) => ({
        ...store,
        copy: async (source, key, options) => {
          await store.copy(source, key, options);
          throw new Error('killed');
        },
      }),
    });
    await world.deliver('transition', message);
    expect(await world.versions(blob.digest)).toHaveLength(2);
    const [action] = await world.actions(blob.digest);
    const row = (await ActionRow.get(world.catalog, action!.actionId))!;
    await world.catalog.transact([ActionRow.put({ ...row.value, state: 'expired' }, { version: row.version })]);
    await world.deliver('transition', message);
    await expectSound(world, blob);
    expect(world.counted('TransitionStep', 'discard-copy')).toBe(1);
  });

  it('back to a class waits until the copy that once lay there is gone', async () => {
    const { world, blob, message } = await decided();
    await world.deliver('transition', message);
    const first = await world.blob(blob.digest);
    const [action] = await world.actions(blob.digest);
    const row = (await ActionRow.get(world.catalog, action!.actionId))!;
    const back = { ...row.value, actionId: 'transition-back' as never, state: 'pending' as const };
    await world.catalog.transact([ActionRow.put(back, 'absent')]);
    await world.deliver('transition', {
      ...(message as object),
      actionId: 'transition-back',
      from: { storageClass: 'STANDARD_IA', versionId: first.origin.versionId },
      to: 'STANDARD',
    });
    expect((await ActionRow.get(world.catalog, 'transition-back' as never))?.value).toMatchObject({
      state: 'failed',
      outcome: { code: 'target-occupied' },
    });
    await world.run();
    await expectSound(world, blob);
  });
});

describe('a transition that is killed', () => {
  it('before or after any of its calls goes on when it is delivered again, to the same end', async () => {
    const interruption = createInterruption();
    const undisturbed = await decided(interruption);
    interruption.cutAt(0);
    await finish(undisturbed.world, undisturbed.message);
    await expectSound(undisturbed.world, undisturbed.blob);
    const calls = { before: interruption.calls('before'), after: interruption.calls('after') };
    expect(calls.before).toBeGreaterThan(15);
    for (const moment of ['before', 'after'] as const) {
      for (let nth = 1; nth <= calls[moment]; nth += 1) {
        const { world, blob, message } = await decided(interruption);
        interruption.cutAt(nth, moment);
        await world.deliver('transition', message);
        await world.deliver('transition', message);
        await world.clock.advance(16 * MINUTE_MS);
        for (const { body } of await world.takeOutbox()) {
          await world.deliver('transition', body);
          await world.deliver('transition', body);
        }
        await expectSound(world, blob);
        expect((await world.blob(blob.digest)).origin.storageClass).toBe('STANDARD_IA');
        expect((await world.actions(blob.digest)).map(({ state }) => state)).toEqual(['done']);
      }
    }
  });
});

describe('a transition that is delivered many times at once', () => {
  it('switches once, and every other copy is taken away', async () => {
    const { world, blob, message } = await decided();
    await Promise.all([1, 2, 3, 4].map(() => world.deliver('transition', message)));
    await world.clock.advance(DAY_MS);
    for (const { body } of await world.takeOutbox()) await world.deliver('transition', body);
    await expectSound(world, blob);
    expect(world.counted('TransitionStep', 'switched')).toBeGreaterThanOrEqual(1);
  });
});
