import { describe, expect, it } from 'vitest';
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

describe('the speed of the origin', () => {
  it('is unknown until three fetches have measured it', () => {
    const speed = createOriginSpeed();
    speed.fetched(1000, 10);
    speed.fetched(1000, 10);
    expect(speed.measured()).toBeUndefined();
    speed.fetched(1000, 10);
    expect(speed.measured()).toEqual({ bytesPerSecond: 100_000, firstByteMs: 0 });
  });

  it('is bytes over the time that follows the first one, and follows what changes', () => {
    const speed = createOriginSpeed();
    speed.firstByte(50);
    for (let fetch = 0; fetch < 10; fetch += 1) speed.fetched(1e6, 1050);
    expect(speed.measured()?.bytesPerSecond).toBeCloseTo(1e6, 3);
    expect(speed.measured()?.firstByteMs).toBeCloseTo(50, 9);
    for (let fetch = 0; fetch < 100; fetch += 1) speed.fetched(1e6, 150);
    expect(speed.measured()?.bytesPerSecond).toBeGreaterThan(9e6);
  });

  it('is unknown where fetches take no time', () => {
    const speed = createOriginSpeed();
    for (let fetch = 0; fetch < 5; fetch += 1) speed.fetched(1000, 0);
    expect(speed.measured()).toBeUndefined();
  });
});
