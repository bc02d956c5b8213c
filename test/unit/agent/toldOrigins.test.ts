import { describe, expect, it, vi } from 'vitest';
import { createOriginSpeed } from '../../../agent/metrics/originSpeed.ts';
import type { EvictionConfig } from '../../../agent/nvme/evictionPolicy.ts';
import { SemVer } from '../../../lib/shared/ids.ts';
import { Usd } from '../../../lib/shared/units.ts';
import { createAgentWorld, type TestBlob } from './agentWorld.ts';

/** A read of a colder class costs ten times as much. */
const BY_CLASS: EvictionConfig = {
  missCost: (bytes, storageClass) => {
    const usd = Usd.parse((bytes / 1e6) * (storageClass === 'GLACIER_IR' ? 10 : 1));
    return { ms: bytes, usd };
  },
  weighs: 'dollars',
  waitUsd: () => 0,
  wearUsdPerByte: 0,
};

describe('where the origin of a blob lies', () => {
  async function twoOfASize() {
    const world = createAgentWorld({ capacity: 700 });
    const agent = await world.boot({ eviction: BY_CLASS });
    const [cold, hot] = [world.addBlob(300, 1), world.addBlob(300, 2)];
    const publish = (name: string, blob: TestBlob) => world.publish(name, { file: blob }, SemVer.parse('1.0.0'));
    return { world, agent, cold, hot, publish };
  }

  it('decides which of two blobs leaves, as the command told it', async () => {
    const { world, agent, cold, hot } = await twoOfASize();
    for (const [blob, storageClass] of [
      [cold, 'GLACIER_IR'],
      [hot, 'STANDARD'],
    ] as const) {
      const command = world.prefetchOf(blob, blob.digest.slice(0, 8));
      if (command.type !== 'prefetch') expect.fail();
      world.command({ ...command, origin: { ...command.origin, storageClass } });
      await world.work(agent);
    }
    world.command(world.prefetchOf(world.addBlob(300, 3)));
    await world.work(agent);
    expect(agent.store.blob(cold.digest)?.state).toBe('resident');
    expect(agent.store.blob(hot.digest)).toBeUndefined();
    const { choice } = world.sent.receipts.find(({ type }) => type === 'evict') ?? {};
    expect(choice?.next.find(({ digest }) => digest === cold.digest)?.missUsd).toBeCloseTo(0.003, 9);
  });

  it('is told anew with every answer to an ask, and outlives a restart', async () => {
    const { world, agent, cold, publish } = await twoOfASize();
    publish('cold', cold);
    const ask = async (on: typeof agent) => on.models.ensure(world.NAME, 'cold', 1000);
    expect(await ask(agent)).toMatchObject({ outcome: 'ready' });
    const { versionId } = agent.store.blob(cold.digest)?.origin ?? expect.fail();
    expect(agent.store.blob(cold.digest)?.origin).toMatchObject({ versionId, storageClass: 'STANDARD' });
    world.setClass(cold.digest, 'GLACIER_IR');
    await world.clock.advance(20_000);
    expect(await ask(agent)).toMatchObject({ outcome: 'ready' });
    const restarted = await world.boot({ eviction: BY_CLASS });
    expect(restarted.store.blob(cold.digest)).toMatchObject({
      state: 'resident',
      origin: { storageClass: 'GLACIER_IR' },
    });
  });
});

describe('an answer that is remembered', () => {
  it('takes no newer one back', async () => {
    const world = createAgentWorld({ capacity: 700 });
    const agent = await world.boot({ eviction: BY_CLASS });
    const blob = world.addBlob(300, 1);
    world.publish('old', { file: blob }, SemVer.parse('1.0.0'));
    world.publish('new', { file: blob }, SemVer.parse('1.0.1'));
    const ask = async (name: string) =>
      expect(await agent.models.ensure(world.NAME, name, 1000)).toMatchObject({ outcome: 'ready' });
    const classOf = () => agent.store.blob(blob.digest)?.origin?.storageClass;
    await ask('old');
    world.setClass(blob.digest, 'GLACIER_IR');
    await world.clock.advance(1000);
    await ask('new');
    expect(classOf()).toBe('GLACIER_IR');
    await ask('old');
    expect(classOf()).toBe('GLACIER_IR');
    await world.clock.advance(20_000);
    world.registry.offline = true;
    await ask('old');
    expect(classOf()).toBe('GLACIER_IR');
  });
});

describe('the speed of the origin', () => {
  const GB = 1e9;
  const MB_8 = 8e6;
  type Speed = ReturnType<typeof createOriginSpeed>;

  /** One fetch alone. */
  function fetch(speed: Speed, bytes: number, began: number, ended: number): void {
    speed.began(began);
    speed.received(bytes, ended);
    speed.ended();
  }

  /** Of 1 GB/s, eight seconds long. */
  function fetchLarge(speed: Speed): void {
    speed.began(0);
    for (let at = 8; at <= 8000; at += 8) speed.received(MB_8, at);
    speed.ended();
  }

  it('is unknown until three samples have measured it', () => {
    const speed = createOriginSpeed();
    fetch(speed, GB, 0, 1000);
    fetch(speed, GB, 5000, 6000);
    expect(speed.measured()).toBeUndefined();
    fetch(speed, GB, 7000, 8000);
    expect(speed.measured()).toEqual({ bytesPerSecond: GB, firstByteMs: 0 });
  });

  it('is bytes over the time that follows the first one, and follows what changes', () => {
    const speed = createOriginSpeed();
    speed.firstByte(50);
    for (let at = 0; at < 10; at += 1) fetch(speed, GB / 10, at * 5000, at * 5000 + 1050);
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(GB / 10, 3);
    expect(speed.measured()?.firstByteMs).toBeCloseTo(50, 9);
    for (let at = 0; at < 100; at += 1) fetch(speed, GB, 1e6 + at * 5000, 1e6 + at * 5000 + 1050);
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(GB, 3);
  });

  it('is unknown where fetches take no time, whose bytes count in the next', () => {
    const speed = createOriginSpeed();
    for (let at = 0; at < 5; at += 1) fetch(speed, GB / 5, at, at);
    expect(speed.measured()).toBeUndefined();
    for (let at = 5000; at < 20_000; at += 5000) {
      fetch(speed, GB, at, at + 1000);
      fetch(speed, GB, at + 2000, at + 2000);
    }
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(2 * GB, 3);
  });

  it('is that of the line where parts come in bursts', () => {
    const speed = createOriginSpeed();
    speed.began(0);
    for (let burst = 1; burst <= 60; burst += 1) {
      for (let part = 0; part < 4; part += 1) speed.received(64 * 2 ** 20, burst * 270);
    }
    speed.ended();
    const { bytesPerSecond } = speed.measured() ?? expect.fail();
    expect(bytesPerSecond).toBeGreaterThan(0.9 * GB);
    expect(bytesPerSecond).toBeLessThan(1.1 * GB);
  });

  it('stays what large fetches have measured where small ones follow', () => {
    const speed = createOriginSpeed();
    fetchLarge(speed);
    for (let one = 0; one < 20; one += 1) fetch(speed, 4000, 10_000 + one * 100, 10_010 + one * 100);
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(GB, -3);
  });

  it('is measured in time by small fetches alone', () => {
    const speed = createOriginSpeed();
    for (let one = 0; one < 400; one += 1) fetch(speed, 1e6, one * 100, one * 100 + 10);
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(1e8, -3);
  });

  it('is that of the line where ten fetches share it', () => {
    const speed = createOriginSpeed();
    for (let one = 0; one < 10; one += 1) speed.began(0);
    for (let part = 1; part * MB_8 <= 10 * GB; part += 1) speed.received(MB_8, part * 8);
    for (let one = 0; one < 10; one += 1) speed.ended();
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(GB, -3);
  });

  it('minds neither a fetch that was suspended for another one, nor half an hour without a byte', () => {
    const suspended = createOriginSpeed();
    suspended.began(0);
    suspended.received(MB_8, 8);
    const halfHour = 1_800_000;
    suspended.began(8);
    for (let at = 16; at <= halfHour; at += 8) suspended.received(MB_8, at);
    suspended.ended();
    for (let part = 1; part < 1000; part += 1) suspended.received(MB_8, halfHour + part * 8);
    suspended.ended();
    expect(suspended.measured()?.bytesPerSecond).toBeCloseTo(GB, -3);

    const stalled = createOriginSpeed();
    fetchLarge(stalled);
    fetch(stalled, 10 * MB_8, 10_000, halfHour);
    expect(stalled.measured()?.bytesPerSecond).toBeCloseTo(GB, -3);
  });

  it('is measured by the fetches of a host that come at once, without the time between them', async () => {
    const world = createAgentWorld();
    const agent = await world.boot();
    // Each byte of this small world stands for 4 MiB.
    const received = agent.meters.received.bind(agent.meters);
    vi.spyOn(agent.meters, 'received').mockImplementation((bytes) => received(bytes * 4 * 2 ** 20));
    world.hooks.beforeRead = () => world.clock.sleep(1000);
    for (let round = 0; round < 6; round += 1) {
      for (let one = 0; one < 2; one += 1) {
        world.command(world.prefetchOf(world.addBlob(32, 1 + round * 2 + one), `file-${round}-${one}`));
      }
      const working = world.work(agent);
      for (let tick = 0; tick < 40; tick += 1) await world.clock.advance(100);
      await working;
      await world.clock.advance(9000);
    }
    const perMs = (agent.meters.originSpeed()?.bytesPerSecond ?? 0) / 1000;
    expect(perMs).toBeGreaterThanOrEqual((2 * 32 * 4 * 2 ** 20) / 1300);
  });
});
