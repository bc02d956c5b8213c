import { describe, expect, it } from 'vitest';
import { commandHost } from '../../lib/fleet/index.ts';
import { correlationId, createFleetWorld, digestOf } from '../support/fleetWorld.ts';
import { ACTION_SHARDS, shardOf } from '../../lib/catalog/index.ts';
import { unreadableRows } from '../support/unreadableRows.ts';
import { Bytes, DAY_MS, GIB, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';

/** One host that holds blob `a`. */
async function resident() {
  const world = createFleetWorld();
  const host = await world.addHost('gpu-a');
  await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
  await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
  const [command] = await world.run();
  await world.deliver('receipts', host.receipt(command!));
  await world.clock.advance(10 * SECOND_MS);
  return { world, host };
}

describe('heartbeats', () => {
  it('are ordered by their sequence, not by their arrival', async () => {
    const { world, host } = await resident();
    const older = host.heartbeat({ usedBytes: Bytes.parse(1) });
    const newer = host.heartbeat({ usedBytes: Bytes.parse(2) });
    await world.deliver('heartbeats', newer);
    await world.deliver('heartbeats', older);
    await world.deliver('heartbeats', newer);
    expect((await world.host('gpu-a'))?.usedBytes).toBe(2);
    expect(world.counted('HeartbeatRecorded', 'out-of-order')).toBe(1);
    expect(world.counted('HeartbeatRecorded', 'repeated')).toBe(1);
  });

  it('of an older generation do not touch the host', async () => {
    const { world, host } = await resident();
    await world.addHost('gpu-a');
    await world.deliver('heartbeats', host.heartbeat({ usedBytes: Bytes.parse(77) }));
    expect(await world.host('gpu-a')).toMatchObject({ generation: 2, usedBytes: 0, heartbeatSequence: 0 });
    expect(world.counted('HeartbeatRecorded', 'stale-generation')).toBe(1);
  });

  it('that no host signed end in the dead-letter queue', async () => {
    const { world, host } = await resident();
    const forged = { ...host.heartbeat(), signature: 'A'.repeat(86) };
    expect((await world.deliver('heartbeats', forged)).batchItemFailures).toHaveLength(1);
    const nameless = { ...host.heartbeat(), keyId: 'nobody' };
    expect((await world.deliver('heartbeats', nameless)).batchItemFailures).toHaveLength(1);
  });
});

describe('a list of residents', () => {
  it('that lacks a believed copy removes it and places it again', async () => {
    const { world, host } = await resident();
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    expect(world.counted('ResidentReconciled', 'lost')).toBe(1);
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toMatchObject([{ type: 'prefetch', digest: digestOf('a') }]);
  });

  it('made before the copy was measured does not remove it', async () => {
    const { world, host } = await resident();
    await world.clock.advance(-20 * SECOND_MS);
    const early = host.heartbeat({ residents: [] });
    await world.clock.advance(20 * SECOND_MS);
    await world.deliver('heartbeats', early);
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
  });

  it('does not touch a fill that is under way', async () => {
    const { world, host } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    await world.deliver('heartbeats', host.heartbeat({ residents: [digestOf('a')] }));
    expect(await world.replica('b', 'gpu-a')).toMatchObject({ state: 'reserved' });
  });

  it('with a clean blob that the catalog did not expect adopts it', async () => {
    const { world, host } = await resident();
    await world.publish('other', '1.0.0', { 'b.safetensors': 'b' });
    await world.deliver('heartbeats', host.heartbeat({ residents: [digestOf('a'), digestOf('b')] }));
    expect(await world.replica('b', 'gpu-a')).toMatchObject({ state: 'verified', bytes: GIB, pinned: false });
  });

  it('brings the pins in line with what the host says, in both directions', async () => {
    const { world, host } = await resident();
    const residents = [digestOf('a')];
    await world.deliver('heartbeats', host.heartbeat({ residents, pinned: residents }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ pinned: true });
    await world.clock.advance(SECOND_MS);
    await world.deliver('heartbeats', host.heartbeat({ residents, pinned: [] }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ pinned: false });
    expect(world.counted('ResidentReconciled', 'pin-differs')).toBe(2);
  });

  it('adopts a copy with its pin', async () => {
    const { world, host } = await resident();
    await world.publish('other', '1.0.0', { 'b.safetensors': 'b' });
    const residents = [digestOf('a'), digestOf('b')];
    await world.deliver('heartbeats', host.heartbeat({ residents, pinned: [digestOf('b')] }));
    expect(await world.replica('b', 'gpu-a')).toMatchObject({ state: 'verified', pinned: true });
  });

  it('with bytes that nobody knows or that may not be served commands their eviction, once', async () => {
    const { world, host } = await resident();
    const residents = [digestOf('a'), digestOf('e')];
    await world.deliver('heartbeats', host.heartbeat({ residents }));
    await world.deliver('heartbeats', host.heartbeat({ residents }));
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toEqual([{ type: 'evict', digest: digestOf('e') }]);
  });

  it('with such bytes pinned commands their unpinning first, and their eviction once a list shows them unpinned', async () => {
    const { world, host } = await resident();
    const residents = [digestOf('a'), digestOf('e')];
    await world.deliver('heartbeats', host.heartbeat({ residents, pinned: [digestOf('e')] }));
    await world.deliver('heartbeats', host.heartbeat({ residents, pinned: [digestOf('e')] }));
    const unpins = await world.run();
    expect(unpins.map((command) => command.command)).toEqual([{ type: 'unpin', digest: digestOf('e') }]);
    await world.deliver('receipts', host.receipt(unpins[0]!));
    await world.deliver('heartbeats', host.heartbeat({ residents, pinned: [] }));
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toEqual([{ type: 'evict', digest: digestOf('e') }]);
  });

  it('that has such bytes still an hour after their eviction was refused commands it again', async () => {
    const { world, host } = await resident();
    const residents = [digestOf('a'), digestOf('e')];
    await world.deliver('heartbeats', host.heartbeat({ residents }));
    const [first] = await world.run();
    await world.deliver('receipts', host.receipt(first!, { outcome: 'refused', code: 'superseded' }));
    await world.clock.advance(HOUR_MS);
    await world.deliver('heartbeats', host.heartbeat({ residents }));
    const commands = await world.run();
    expect(commands.map((command) => command.command)).toEqual([{ type: 'evict', digest: digestOf('e') }]);
  });
});

describe('a host that falls silent', () => {
  it('is given nothing, its copies are unknown and not gone, and it is believed again when it reports', async () => {
    const { world, host } = await resident();
    await world.clock.advance(2 * MINUTE_MS);
    await world.reap();
    await world.run();
    expect(await world.host('gpu-a')).toMatchObject({ state: 'silent' });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'unknown' });
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    expect(await world.run()).toEqual([]);

    await world.deliver('heartbeats', host.heartbeat());
    expect(await world.host('gpu-a')).toMatchObject({ state: 'active' });
    expect((await world.run()).map((command) => command.command.type)).toEqual(['report']);
    await world.deliver('heartbeats', host.heartbeat({ residents: [digestOf('a')] }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
  });

  it('for a day is retired: its queue and its copies are forgotten, and it may come back as a new generation', async () => {
    const { world, host } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    const [late] = await world.run();
    for (const ms of [2 * MINUTE_MS, DAY_MS]) {
      await world.clock.advance(ms);
      await world.reap();
    }
    expect(await world.host('gpu-a')).toMatchObject({ state: 'retired', promisedBytes: 0 });
    expect((await world.deliver('receipts', host.receipt(late!))).batchItemFailures).toEqual([]);
    await world.run();
    expect(await world.replica('a', 'gpu-a')).toBeUndefined();
    await expect(world.queues.send('host-gpu-a-1', [{ body: 'x' }])).rejects.toMatchObject({ code: 'no-such-queue' });

    const back = await world.addHost('gpu-a');
    await world.deliver('heartbeats', back.heartbeat({ residents: [digestOf('a'), digestOf('b')] }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified', host: { generation: 2 } });
  });

  it('is counted once, and apart if it was to leave; one that was drained in order is not', async () => {
    const world = createFleetWorld();
    const [, leaving, left] = [
      await world.addHost('gpu-a'),
      await world.addHost('gpu-b'),
      await world.addHost('gpu-c'),
    ];
    for (const { id } of [leaving, left]) {
      await commandHost(world.deps, { host: id, command: { type: 'drain' }, correlationId });
    }
    await world.deliver('heartbeats', leaving.heartbeat({ draining: true, activeLeases: 1 }));
    for (const _ of ['empty', 'still empty']) await world.deliver('heartbeats', left.heartbeat({ draining: true }));
    expect(await world.host('gpu-c')).toMatchObject({ state: 'retired' });
    for (const minutes of [2, 1, 1]) {
      await world.clock.advance(minutes * MINUTE_MS);
      await world.reap();
    }
    const reaped = world.metrics.filter(({ name }) => name === 'HostReaped').map(({ dimensions }) => dimensions);
    expect(reaped).toHaveLength(2);
    expect(reaped).toEqual(expect.arrayContaining([{ reason: 'silent' }, { reason: 'silent-draining' }]));
  });

  it('before it has drained still drains when it is back, and is told so again', async () => {
    const { world, host } = await resident();
    await commandHost(world.deps, { host: host.id, command: { type: 'drain' }, correlationId });
    await world.run();
    await world.clock.advance(2 * MINUTE_MS);
    await world.reap();
    await world.run();
    expect(await world.host('gpu-a')).toMatchObject({ state: 'silent', drainAsked: true });
    await world.deliver('heartbeats', host.heartbeat());
    expect(await world.host('gpu-a')).toMatchObject({ state: 'draining' });
    expect((await world.run()).map((command) => command.command.type).toSorted()).toEqual(['drain', 'report']);
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    expect(await world.run()).toEqual([]);
    const reborn = await world.addHost('gpu-a');
    await world.deliver('heartbeats', reborn.heartbeat());
    expect(await world.host('gpu-a')).toMatchObject({ state: 'active', generation: 2 });
    expect((await world.host('gpu-a'))?.drainAsked).toBeUndefined();
  });

  it('stays as it is while it is heard in time', async () => {
    const { world, host } = await resident();
    await world.clock.advance(MINUTE_MS);
    await world.deliver('heartbeats', host.heartbeat());
    await world.clock.advance(MINUTE_MS + 1);
    await world.reap();
    expect(await world.host('gpu-a')).toMatchObject({ state: 'active' });
  });
});

describe('a host that registers again', () => {
  it('loses the fills and the belief of its last life, and keeps what it reports', async () => {
    const { world } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    const [fill] = await world.run();
    const reborn = await world.addHost('gpu-a');
    await world.run();
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'unknown' });
    expect(await world.replica('b', 'gpu-a')).toBeUndefined();
    expect(await world.action(fill!.actionId)).toMatchObject({ state: 'superseded' });
    expect(await world.host('gpu-a')).toMatchObject({ generation: 2, promisedBytes: 0 });

    await world.deliver('heartbeats', reborn.heartbeat({ residents: [digestOf('a')] }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified', host: { generation: 2 } });
    const commands = await world.run();
    expect(commands.map(({ generation, command }) => [generation, command.type])).toEqual([[2, 'prefetch']]);
  });
});

describe('a command that nobody answers', () => {
  it('ends an hour after its expiry, gives its room back, and is decided anew: twice at once, then by the schedule', async () => {
    const { world, host } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    const [command] = await world.run();
    let heard = 0;
    const pass = async (ms: number) => {
      await world.clock.advance(ms);
      heard += 1;
      await world.deliver('heartbeats', host.heartbeat());
      await world.reap();
    };
    await pass(2 * HOUR_MS - 1);
    expect(await world.action(command!.actionId)).toMatchObject({ state: 'pending' });
    await pass(1);
    expect(await world.action(command!.actionId)).toMatchObject({ state: 'expired' });
    expect(await world.replica('b', 'gpu-a')).toBeUndefined();
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(0);
    for (const attempt of [2, 3]) {
      const [again] = await world.run();
      expect(await world.action(again!.actionId)).toMatchObject({ attempt, state: 'pending' });
      await pass(2 * HOUR_MS);
    }
    expect(await world.run()).toEqual([]);
    expect(heard).toBe(4);
    for (const [attempt, pause] of [
      [4, 1],
      [5, 2],
      [6, 4],
    ] as const) {
      await pass(pause * HOUR_MS - 1);
      expect(await world.run()).toEqual([]);
      await pass(1);
      const [again, ...others] = await world.run();
      expect(others).toEqual([]);
      expect(await world.action(again!.actionId)).toMatchObject({ attempt, state: 'pending' });
      await pass(2 * HOUR_MS);
      expect(await world.run()).toEqual([]);
    }
  });

  it('ends, and silent hosts are fenced, although the oldest rows cannot be read', async () => {
    const { world } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    const [command] = await world.run();
    for (const partition of ['DUE#HOST#0', 'DUE#ACTION#0']) await unreadableRows(world.catalog, partition, 1);
    await world.clock.advance(2 * HOUR_MS);
    await expect(world.reap()).rejects.toMatchObject({ code: 'not-reaped', retryable: true });
    expect(await world.host('gpu-a')).toMatchObject({ state: 'silent' });
    expect(await world.action(command!.actionId)).toMatchObject({ state: 'expired' });
    expect(world.metrics.filter(({ name }) => name === 'NotReaped')).toHaveLength(2);
    const told = world.records.filter(({ event }) => event === 'not reaped').map(({ fields }) => fields['row']);
    expect(told).toEqual(['NEWER#DUE#HOST#0#000000', 'NEWER#DUE#ACTION#0#000000']);
  });

  it('ends behind more rows that nobody can read than one run looks at', async () => {
    const { world } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    const [command] = await world.run();
    const { actionId } = command ?? expect.fail();
    await unreadableRows(world.catalog, `DUE#ACTION#${shardOf(actionId, ACTION_SHARDS)}`, 1_100);
    await world.clock.advance(2 * HOUR_MS);
    await expect(world.reap()).rejects.toMatchObject({ code: 'not-reaped' });
    expect(await world.action(actionId)).toMatchObject({ state: 'pending' });
    await expect(world.reap()).rejects.toMatchObject({ code: 'not-reaped' });
    expect(await world.action(actionId)).toMatchObject({ state: 'expired' });
  });

  it('is settled by its receipt all the same when that comes late', async () => {
    const { world, host } = await resident();
    await world.deliver('placement', await world.publish('other', '1.0.0', { 'b.safetensors': 'b' }));
    const [command] = await world.run();
    await world.clock.advance(2 * HOUR_MS);
    await world.deliver('heartbeats', host.heartbeat());
    await world.reap();
    await world.deliver('receipts', host.receipt(command!));
    expect(await world.action(command!.actionId)).toMatchObject({ state: 'done' });
    expect(await world.replica('b', 'gpu-a')).toMatchObject({ state: 'verified' });
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(0);
  });
});
