import { describe, expect, it } from 'vitest';
import { createBlobNumbers } from '../../../agent/nvme/blobNumbers.ts';
import { createEvictionPolicy, type EvictionConfig } from '../../../agent/nvme/evictionPolicy.ts';
import { ACCESSES_PATH } from '../../../agent/nvme/paths.ts';
import { replayThroughAgent, scaled, simulatedMisses } from '../../../bench/eviction-agent/replay.ts';
import { CUTS, readTrace } from '../../../bench/eviction/traces.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { Usd } from '../../../lib/shared/units.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { createAgentWorld } from './agentWorld.ts';

const digestOf = (number: number): Digest => Digest.parse(number.toString(16).padStart(64, '0'));
/** A miss costs a second whatever its size. */
const BY_WAIT: EvictionConfig = {
  missCost: () => ({ ms: 1000, usd: Usd.parse(0) }),
  weighs: 'wait',
  waitUsd: () => 0,
  wearUsdPerByte: 0,
};
const EVERYTHING = () => true;

describe('the agent under a replayed trace', () => {
  it.each([0.025, 0.05])(
    'misses exactly as often as the simulator at %f of the footprint, within its capacity',
    async (size) => {
      const { batch, footprintBytes } = await readTrace(`${CUTS}genai.csv.gz`, 0);
      const trace = scaled({ ...batch, length: 700 }, footprintBytes, size, 1e6);
      const replay = await replayThroughAgent(createMemDisk(), trace);
      expect(replay.misses).toBe(simulatedMisses(trace));
      expect(replay.mostUsedBytes).toBeLessThanOrEqual(trace.capacityBytes);
      expect(new Set(replay.evictions.map(({ reason }) => reason))).toContain('guest');
    },
  );
});

describe('the eviction policy of an agent', () => {
  /** One blob that is used all the time, and many that are used once. */
  function settled(capacityBytes = 1000): ReturnType<typeof createEvictionPolicy> {
    const policy = createEvictionPolicy(BY_WAIT, capacityBytes);
    policy.asked(digestOf(0), 100);
    policy.entered(digestOf(0), 100);
    for (let number = 1; number < 10; number += 1) {
      policy.asked(digestOf(number), 100);
      policy.entered(digestOf(number), 100);
      policy.asked(digestOf(0), 100);
    }
    return policy;
  }

  it('lets go first of what it served against its judgement', () => {
    const policy = settled();
    policy.asked(digestOf(99), 900);
    for (const digest of [1, 2, 3, 4, 5, 6, 7, 8, 9].map(digestOf)) policy.left(digest, true);
    policy.entered(digestOf(99), 900);
    expect(policy.victim(EVERYTHING)).toBe(digestOf(99));
    expect(policy.explain(digestOf(99), EVERYTHING, digestOf(5))).toMatchObject({
      reason: 'guest',
      roomFor: digestOf(5),
      next: [{ digest: digestOf(0), uses: 10 }],
    });
  });

  it('chooses only among what may leave', () => {
    const policy = settled();
    expect(policy.victim((digest) => digest === digestOf(0))).toBe(digestOf(0));
    expect(policy.victim(() => false)).toBeUndefined();
  });

  it('keeps what it learned when its capacity changes, and over a restart', () => {
    const resized = settled();
    resized.resized(500);
    const restarted = createEvictionPolicy(BY_WAIT, 500, JSON.parse(JSON.stringify(settled().log())));
    for (let number = 0; number < 10; number += 1) restarted.entered(digestOf(number), 100);
    for (const policy of [resized, restarted]) {
      const victims: (Digest | undefined)[] = [];
      for (let room = 0; room < 5; room += 1) {
        const victim = policy.victim(EVERYTHING);
        victims.push(victim);
        if (victim !== undefined) policy.left(victim, true);
      }
      expect(victims).not.toContain(digestOf(0));
      expect(new Set(victims).size).toBe(5);
      expect(policy.asks).toBe(policy === resized ? 19 : 0);
    }
  });

  it('answers the same however much of what it was told it has heard ahead of the question', () => {
    const answers = [0, 1, 7, 1000].map((atOnce) => {
      const policy = createEvictionPolicy(BY_WAIT, 1000, JSON.parse(JSON.stringify(settled().log())));
      for (let number = 0; number < 10; number += 1) {
        policy.entered(digestOf(number), 100);
        policy.catchUp(atOnce);
      }
      policy.asked(digestOf(3), 100);
      policy.left(digestOf(7), false);
      policy.catchUp(atOnce);
      policy.entered(digestOf(11), 100);
      const victim = policy.victim(EVERYTHING);
      return [victim, policy.explain(victim!, EVERYTHING, undefined), policy.asks, policy.log()];
    });
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });
});

describe('numbers of blobs', () => {
  it('go on from the blob that left longest ago, which is then forgotten, and never from one in use', () => {
    const recycled: number[] = [];
    const numbers = createBlobNumbers(3, (number) => recycled.push(number));
    for (const blob of [1, 2, 3]) {
      numbers.assign(digestOf(blob));
      numbers.use(digestOf(blob));
    }
    expect(numbers.assign(digestOf(4))).toBeUndefined();
    for (const blob of [2, 1]) numbers.release(digestOf(blob));
    expect(numbers.assign(digestOf(4))).toBe(1);
    expect(recycled).toEqual([1]);
    expect([numbers.digestOf(1), numbers.numberOf(digestOf(2))]).toEqual([digestOf(4), undefined]);
  });
});

describe('what an agent remembers of accesses', () => {
  it('outlives a restart', async () => {
    const world = createAgentWorld({ capacity: 700 });
    const agent = await world.boot();
    const [used, once, next] = [world.addBlob(300, 1), world.addBlob(300, 2), world.addBlob(300, 3)];
    for (const blob of [used, once]) {
      world.command(world.prefetchOf(blob, `m-${blob.digest.slice(0, 8)}`));
      await world.work(agent);
    }
    for (let times = 0; times < 5; times += 1) agent.store.accessed(used.digest);
    await agent.stop();
    const restarted = await world.boot();
    world.command(world.prefetchOf(next));
    await world.work(restarted);
    expect(restarted.store.residents()).toEqual([used.digest, next.digest]);
    const eviction = world.sent.receipts.find(({ type }) => type === 'evict');
    expect(eviction?.choice?.next).toMatchObject([{ digest: used.digest, uses: 6 }]);
  });

  it.each(['no JSON', '{"schema":"strata.access-log/v2"}'])('starts anew from %s', async (text) => {
    const world = createAgentWorld();
    await world.boot();
    await world.disk.write(ACCESSES_PATH, 0, Buffer.from(text));
    const blob = world.addBlob(300);
    const agent = await world.boot();
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    expect(agent.store.residents()).toEqual([blob.digest]);
  });

  it('is written once a minute, where something was asked for', async () => {
    const world = createAgentWorld();
    const agent = await world.boot();
    const saved = async () => (await world.disk.stat(ACCESSES_PATH))?.size ?? 0;
    agent.store.accessed(world.addBlob(300).digest);
    const blob = world.addBlob(200);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    await agent.upkeepOnce();
    expect(await saved()).toBe(0);
    for (let step = 0; step < 7; step += 1) {
      await world.clock.advance(10_000);
      await agent.upkeepOnce();
    }
    expect(await saved()).toBeGreaterThan(0);
  });
});
