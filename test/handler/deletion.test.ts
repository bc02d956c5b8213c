import { describe, expect, it } from 'vitest';
import type { HostCommand } from '../../events/host-command/v1.ts';
import {
  claimVersion,
  promoteAlias,
  ReplicaRow,
  rollbackAlias,
  shardOf,
  TOMBSTONE_SHARDS,
} from '../../lib/catalog/index.ts';
import { commandHost } from '../../lib/fleet/index.ts';
import { HostId, hostLocation } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, HOUR_MS } from '../../lib/shared/units.ts';
import { createDeletionWorld, type DeletionWorld } from '../support/deletionWorld.ts';
import { correlationId, digestOf, model, version } from '../support/fleetWorld.ts';
import { unreadableRows } from '../support/unreadableRows.ts';
import { createInterruption, type Moment } from '../support/interruption.ts';

const digest = ({ command }: HostCommand) => ('digest' in command ? command.digest : '');
const GONE = { rows: [], objects: 0 };

async function published() {
  const world = await createDeletionWorld();
  await world.publish('flux', '1.0.0', { 'a.safetensors': 'a', 'b.bin': 'b' });
  return world;
}

async function deleted(over?: Parameters<DeletionWorld['remove']>[2]) {
  const world = await published();
  await world.remove('flux', '1.0.0', over);
  return world;
}

describe('a purge that is due', () => {
  it('is sent although rows before it cannot be read, and the run fails at its end', async () => {
    const world = await deleted();
    await world.passWindow();
    await unreadableRows(world.catalog, `DUE#TOMBSTONE#${shardOf('flux@1.0.0', TOMBSTONE_SHARDS)}`, 100);
    await expect(world.runPurge()).rejects.toMatchObject({ code: 'not-sent', retryable: true });
    await world.drain();
    expect(await world.left('a')).toEqual(GONE);
  });
});

describe('bringing a version back', () => {
  it('has it placed and aligned each time, also when nothing was sent in between', async () => {
    const world = await published();
    for (const _ of [1, 2, 3]) {
      await world.remove('flux', '1.0.0');
      await world.undo('flux', '1.0.0');
    }
    const sent = (await world.takeOutbox()).map(({ body }) => (body as { schema: string }).schema);
    expect(sent.filter((schema) => schema === 'place-model/1')).toHaveLength(3);
    expect(sent.filter((schema) => schema === 'align-version/1')).toHaveLength(3);
  });
});

describe('deleting a version', () => {
  it('takes it out of every listing at once and leaves its bytes', async () => {
    const world = await published();
    const { tombstone, freesBytes } = await world.remove('flux', '1.0.0');
    expect(tombstone.purgeAfter - tombstone.deletedAt).toBeGreaterThanOrEqual(7 * DAY_MS);
    expect(freesBytes).toBeGreaterThan(0);
    expect(await world.version('flux', '1.0.0')).toBeUndefined();
    await world.runPurge();
    expect((await world.left('a')).objects).toBe(2);
  });

  it('only tells what it would do when it is a trial', async () => {
    const world = await deleted({ dryRun: true });
    expect(await world.version('flux', '1.0.0')).toBeDefined();
    expect(await world.tombstone('flux', '1.0.0')).toBeUndefined();
  });

  it('answers the same tombstone when it is repeated', async () => {
    const world = await deleted();
    const first = await world.tombstone('flux', '1.0.0');
    await world.clock.advance(DAY_MS);
    expect((await world.remove('flux', '1.0.0')).tombstone).toEqual(first);
  });

  it('is refused while an alias points at the version', async () => {
    const world = await published();
    const flux = model('flux');
    const change = { model: flux, alias: 'stable', now: world.clock.now(), dryRun: false };
    await promoteAlias(world.catalog, { ...change, version: version('1.0.0') });
    await expect(world.remove('flux', '1.0.0')).rejects.toMatchObject({
      code: 'version-in-use',
      message: expect.stringContaining('`strata alias remove flux stable`'),
    });
    await world.publish('flux', '2.0.0', { 'a.safetensors': 'c' });
    await promoteAlias(world.catalog, { ...change, version: version('2.0.0') });
    await world.remove('flux', '1.0.0');
    // What the alias pointed at before is gone: going back is refused instead of leading nowhere.
    await expect(rollbackAlias(world.catalog, change)).rejects.toMatchObject({ code: 'unknown-version' });
  });

  it('is refused under a hold, and until its retention ends', async () => {
    const world = await published();
    await world.hold('flux', '1.0.0', { kind: 'hold', reason: 'case 7' });
    await expect(world.remove('flux', '1.0.0')).rejects.toMatchObject({ code: 'version-held' });
    await world.hold('flux', '1.0.0', { kind: 'release' });
    const until = EpochMs.parse(world.clock.now() + DAY_MS);
    await world.hold('flux', '1.0.0', { kind: 'retain', until });
    await world.hold('flux', '1.0.0', { kind: 'retain', until: world.clock.now() });
    await expect(world.remove('flux', '1.0.0')).rejects.toMatchObject({ code: 'version-held' });
    await world.clock.advance(DAY_MS + 2 * HOUR_MS);
    await world.remove('flux', '1.0.0');
  });

  it('is refused while a host has a file of it pinned that no other version needs', async () => {
    const world = await published();
    await world.holdOnHost('gpu-a', 'flux', '1.0.0');
    await pin(world, 'a', 'gpu-a', true);
    await expect(world.remove('flux', '1.0.0')).rejects.toMatchObject({ code: 'version-in-use' });
    await world.publish('other', '1.0.0', { f: 'a' });
    await world.remove('flux', '1.0.0');
  });

  it('can be undone within its window, and is placed again', async () => {
    const world = await deleted();
    expect(await world.undo('flux', '1.0.0')).toMatchObject({ version: '1.0.0' });
    expect(await world.version('flux', '1.0.0')).toBeDefined();
    expect(await world.tombstone('flux', '1.0.0')).toBeUndefined();
    expect((await world.takeOutbox()).map(({ queue }) => queue).toSorted()).toEqual(['placement', 'rescan']);
    await world.passWindow();
    await world.runPurge();
    expect((await world.left('a')).objects).toBe(2);
  });

  it('cannot be undone when its bytes are going, nor when nothing was deleted', async () => {
    const world = await deleted();
    await world.passWindow();
    await world.runPurge();
    await expect(world.undo('flux', '1.0.0')).rejects.toMatchObject({ code: 'undo-window-over' });
    await expect(world.undo('flux', '9.0.0')).rejects.toMatchObject({ code: 'not-deleted' });
  });
});

describe('the purge', () => {
  it('takes every row and object of an unshared blob, and tells what it freed', async () => {
    const world = await deleted();
    await world.passWindow();
    await world.runPurge();
    expect(await world.left('a')).toEqual(GONE);
    expect(await world.left('b')).toEqual(GONE);
    // A publication that saw them before they were condemned finds out for a day.
    const { versionId } = (await world.orphans('a')).find(({ object }) => object === 'bytes')!;
    expect(await claimVersion(world.catalog, digestOf('a'), 'bytes', versionId)).toBeUndefined();
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged', freedBytes: 200 });
  });

  it('keeps what another version refers to', async () => {
    const world = await deleted();
    await world.publish('other', '1.0.0', { f: 'a' });
    await world.passWindow();
    await world.runPurge();
    expect(await world.left('a')).toEqual({ rows: ['META', 'REFERENCE', 'REPLICA'], objects: 2 });
    expect(await world.left('b')).toEqual(GONE);
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged', freedBytes: 100 });
  });

  it('leaves alone what was put under a hold after the delete', async () => {
    const world = await deleted();
    await world.hold('flux', '1.0.0', { kind: 'hold', reason: 'case 8' });
    await world.passWindow();
    await world.runPurge();
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'deleted' });
    expect((await world.left('a')).objects).toBe(2);
  });

  it('has hosts evict first, and deletes nothing before they have', async () => {
    const world = await published();
    const host = await world.holdOnHost('gpu-a', 'flux', '1.0.0');
    await world.remove('flux', '1.0.0', { undoDays: 0 });
    const commands = (await world.runPurge()).toSorted((a, b) => digest(a).localeCompare(digest(b)));
    expect(commands.map(({ command }) => command)).toEqual([
      { type: 'evict', digest: digestOf('a') },
      { type: 'evict', digest: digestOf('b') },
    ]);
    expect((await world.left('a')).objects).toBe(2);
    const [evictA, evictB] = commands;
    const none = Bytes.parse(0);
    const size = Bytes.parse(100);
    const leased = {
      outcome: 'failed',
      code: 'leased',
      measured: { bytesBefore: size, bytesAfter: size, usedBytes: size, capacityBytes: size },
    } as const;
    await world.deliver('receipts', host.receipt(evictA!, leased));
    await world.deliver('receipts', host.receipt(evictB!, { measured: { ...leased.measured, bytesAfter: none } }));
    const again = await world.runPurge();
    expect(await world.left('b')).toEqual(GONE);
    expect((await world.left('a')).objects).toBe(2);
    expect(again.map(({ command }) => command)).toEqual([{ type: 'evict', digest: digestOf('a') }]);
    await world.deliver('receipts', host.receipt(again[0]!, { measured: { ...leased.measured, bytesAfter: none } }));
    await world.runPurge();
    expect(await world.left('a')).toEqual(GONE);
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged' });
  });

  it('waits for a pin that was set after the delete', async () => {
    const world = await published();
    await world.holdOnHost('gpu-a', 'flux', '1.0.0');
    await world.remove('flux', '1.0.0', { undoDays: 0 });
    await pin(world, 'a', 'gpu-a', true);
    await pin(world, 'b', 'gpu-a', true);
    expect(await world.runPurge()).toEqual([]);
    expect((await world.left('a')).objects).toBe(2);
  });

  it('learns from the host of a pin that the catalog does not know, and ends when it is taken away', async () => {
    const world = await createDeletionWorld();
    await world.publish('flux', '1.0.0', { 'a.safetensors': 'a' });
    const host = await world.holdOnHost('gpu-a', 'flux', '1.0.0');
    await world.remove('flux', '1.0.0', { undoDays: 0 });
    const evicted = await world.runPurge();
    const size = Bytes.parse(100);
    const measured = { bytesBefore: size, bytesAfter: size, usedBytes: size, capacityBytes: size };
    const kept = { outcome: 'failed', code: 'pinned', measured } as const;
    await world.deliver('receipts', host.receipt(evicted[0] ?? expect.fail(), kept));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified', pinned: true });
    expect(await world.runPurge()).toEqual([]);
    const command = { type: 'unpin', digest: digestOf('a') } as const;
    await commandHost(world.deps, { host: HostId.parse('gpu-a'), command, correlationId });
    const [unpin] = await world.drain();
    await world.deliver('receipts', host.receipt(unpin ?? expect.fail(), { measured }));
    const [again] = await world.runPurge();
    const gone = { ...measured, bytesAfter: Bytes.parse(0) };
    await world.deliver('receipts', host.receipt(again ?? expect.fail(), { measured: gone }));
    await world.runPurge();
    expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged' });
  });

  it('deletes exactly the object that the catalog names, not what lies under its key since', async () => {
    const world = await deleted();
    const foreign = await world.objects.write(`blobs/${digestOf('a')}`, Buffer.from('foreign'));
    await world.passWindow();
    await world.runPurge();
    const { versions } = await world.objects.listVersions({ prefix: `blobs/${digestOf('a')}`, limit: 10 });
    expect(versions.map(({ versionId }) => versionId)).toEqual([
      foreign.outcome === 'written' ? foreign.versionId : '',
    ]);
  });

  it('gives no host a copy of a version that is deleted while it is placed', async () => {
    const world = await published();
    const host = await world.addHost('gpu-a', { subscriptions: ['flux'] });
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    await world.remove('flux', '1.0.0');
    await world.deliver('placement', { schema: 'place-model/1', model: 'flux', version: '1.0.0', correlationId });
    expect(await world.drain()).toEqual([]);
    expect(await world.replica('a', 'gpu-a')).toBeUndefined();
  });

  it('goes on from wherever it was killed, and counts once', async () => {
    expect((await purgeCutAt(0, 'before')).calls).toBeGreaterThan(20);
    for (const moment of ['before', 'after'] as const) {
      const { calls } = await purgeCutAt(0, moment);
      for (let nth = 1; nth <= calls; nth += 1) {
        const { world } = await purgeCutAt(nth, moment);
        expect(await world.left('a')).toEqual(GONE);
        expect(await world.tombstone('flux', '1.0.0')).toMatchObject({ state: 'purged', freedBytes: 100 });
      }
    }
  });
});

/** A purge whose process ends at one call, and that comes again. */
async function purgeCutAt(nth: number, moment: Moment) {
  const interruption = createInterruption();
  const world = await createDeletionWorld(interruption);
  await world.publish('flux', '1.0.0', { 'a.safetensors': 'a' });
  await world.remove('flux', '1.0.0', { undoDays: 0 });
  const body = { schema: 'purge-version/1', model: 'flux', version: '1.0.0', correlationId };
  interruption.cutAt(nth, moment);
  const done = await world.deliverPurge(body);
  const calls = interruption.calls(moment);
  if (!done) expect(await world.deliverPurge(body)).toBe(true);
  return { world, calls };
}

async function pin(world: DeletionWorld, letter: string, host: string, pinned: boolean): Promise<void> {
  const location = hostLocation('nvme', host as Parameters<typeof hostLocation>[1]);
  const row = await ReplicaRow.get(world.catalog, digestOf(letter), location);
  if (row === undefined) throw new Error(`${host} does not hold ${letter}`);
  await world.catalog.transact([ReplicaRow.put({ ...row.value, pinned }, { version: row.version })]);
}
