import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { blobPath } from '../../../agent/nvme/paths.ts';
import { DurationMs } from '../../../lib/shared/units.ts';
import { type AgentWorld, createAgentWorld, PART } from './agentWorld.ts';

const EVERY_MS = 40_000;

async function holding(count: number, size = 3 * PART + 5) {
  const world = createAgentWorld({ capacity: 100_000 });
  const agent = await world.boot();
  const blobs = Array.from({ length: count }, (_, seed) => world.addBlob(size + seed, seed + 1));
  for (const blob of blobs) world.command(world.prefetchOf(blob, blob.digest.slice(0, 8)));
  while ((await world.waiting()) > 0) await world.work(agent);
  return { world, agent, blobs };
}

/** Scrubs until nothing is due; answers how many copies were checked. */
async function scrubAll(world: AgentWorld, agent: Agent, most = Number.POSITIVE_INFINITY): Promise<number> {
  for (let steps = 0; ; steps += 1) {
    if (steps === most || !(await asTimePasses(world, agent.scrubOnce()))) return steps;
    await agent.settled();
  }
}

async function asTimePasses<T>(world: AgentWorld, work: Promise<T>): Promise<T> {
  const progress = { ended: false };
  const watched = work.finally(() => {
    progress.ended = true;
  });
  while (!progress.ended) await world.clock.advance(1);
  return watched;
}

describe('the scrub', () => {
  it('finds one flipped bit in each of forty files, wherever it is, takes them out and fetches them again', async () => {
    const { world, agent, blobs } = await holding(40);
    await world.clock.advance(EVERY_MS);
    blobs.forEach(({ digest, size }, at) => world.disk.flipBit(blobPath(digest), (at * 7919) % size));
    expect((await world.wrongBlobs()).length).toBe(40);
    expect(await scrubAll(world, agent)).toBe(40);
    expect(await world.wrongBlobs()).toEqual([]);
    expect(agent.store.residents().toSorted()).toEqual(blobs.map(({ digest }) => digest).toSorted());
    await agent.flushReceiptsOnce();
    const found = world.sent.receipts.filter(({ type, code }) => type === 'evict' && code === 'corrupt');
    expect(new Set(found.map(({ digest }) => digest)).size).toBe(40);
  });

  it('finds a bit that flipped on the medium while the page cache has the right one', async () => {
    const { world, agent, blobs } = await holding(3);
    const { digest } = blobs[1] ?? expect.fail();
    await world.clock.advance(EVERY_MS);
    world.disk.flipBit(blobPath(digest), 7, 'medium');
    expect(await world.wrongBlobs()).toEqual([]);
    await scrubAll(world, agent);
    await agent.flushReceiptsOnce();
    const found = world.sent.receipts.filter(({ code }) => code === 'corrupt');
    expect(found.map((receipt) => receipt.digest)).toEqual([digest]);
    await agent.settled();
    expect(agent.store.residents()).toHaveLength(3);
  });

  it('fetches what is pinned again with its pin, and tells the plane of it at once', async () => {
    const { world, agent, blobs } = await holding(2);
    const { digest } = blobs[0] ?? expect.fail();
    world.command({ type: 'pin', digest });
    await world.work(agent);
    await world.clock.advance(EVERY_MS);
    world.disk.flipBit(blobPath(digest), 7);
    await scrubAll(world, agent);
    await agent.settled();
    expect(agent.store.blob(digest)).toMatchObject({ state: 'resident', pinned: true });
    const told = world.sent.heartbeats.at(-1);
    expect(told).toMatchObject({ schema: 'host-heartbeat/3', pinned: [digest] });
    expect(told?.residents).toHaveLength(2);
  });

  it('fetches with its pin what was pinned while it was hashed', async () => {
    const { world, agent, blobs } = await holding(1);
    const { digest } = blobs[0] ?? expect.fail();
    await world.clock.advance(EVERY_MS);
    world.disk.flipBit(blobPath(digest), 7);
    const pinned = agent.store.pin(digest, true);
    await scrubAll(world, agent);
    expect(await pinned).toBe(true);
    await agent.settled();
    expect(agent.store.blob(digest)).toMatchObject({ state: 'resident', pinned: true });
  });

  it('checks nothing before it is due and everything once when it is', async () => {
    const { world, agent } = await holding(5);
    expect(await scrubAll(world, agent)).toBe(0);
    await world.clock.advance(EVERY_MS);
    expect(await scrubAll(world, agent)).toBe(5);
    expect(await scrubAll(world, agent)).toBe(0);
  });

  it('goes on after a restart with the copies that it had not reached', async () => {
    const { world, agent } = await holding(6);
    await world.clock.advance(EVERY_MS);
    await scrubAll(world, agent, 4);
    world.crash();
    const again = await world.boot();
    expect(await scrubAll(world, again)).toBe(2);
  });

  it('is not put off by a clock that was set back', async () => {
    const { world, agent } = await holding(2);
    const ahead = 3_600_000 * 24 * 365;
    await world.clock.advance(ahead);
    expect(await scrubAll(world, agent)).toBe(2);
    await world.clock.advance(-ahead);
    expect(await scrubAll(world, agent)).toBe(2);
  });

  describe('at a limited rate', () => {
    /** One part takes a second, so a blob of 512 bytes takes eight. */
    async function slow() {
      const { world, blobs } = await holding(1, 8 * PART);
      world.crash();
      const agent = await world.boot({ scrubBytesPerSecond: PART, scrubEveryMs: DurationMs.parse(EVERY_MS) });
      await world.clock.advance(EVERY_MS);
      const [blob] = blobs;
      return { world, agent, blob: blob ?? expect.fail('one blob') };
    }

    async function ended(step: Promise<boolean>): Promise<boolean> {
      return Promise.race([step.then(() => true), Promise.resolve().then(() => false)]);
    }

    it('takes the time that its rate asks for', async () => {
      const { world, agent } = await slow();
      const step = agent.scrubOnce();
      for (let second = 0; second < 7; second += 1) await world.clock.advance(1000);
      expect(await ended(step)).toBe(false);
      for (let second = 0; second < 3; second += 1) await world.clock.advance(1000);
      expect(await step).toBe(true);
    });

    it('gives way to an eviction of the copy that it reads', async () => {
      const { world, agent, blob } = await slow();
      const step = agent.scrubOnce();
      await world.clock.advance(1000);
      const evicted = agent.store.evict(blob.digest);
      await world.clock.advance(1000);
      expect(await evicted).toMatchObject({ outcome: 'gone' });
      expect(await step).toBe(true);
    });

    it('counts as room for a blob that is wanted now', async () => {
      const { world, agent, blob } = await slow();
      const step = agent.scrubOnce();
      await world.clock.advance(1000);
      const large = world.addBlob(99_900, 77);
      world.command(world.prefetchOf(large, 'large'));
      const working = world.work(agent);
      for (let turn = 0; turn < 400; turn += 1) await world.clock.advance(10);
      await working;
      await step;
      expect(agent.store.residents()).toEqual([large.digest]);
      expect(agent.store.blob(blob.digest)).toBeUndefined();
    });

    it('goes on with the part that it had reached, and stops when the agent does', async () => {
      const { world, agent, blob } = await slow();
      const first = agent.scrubOnce();
      for (let second = 0; second < 5; second += 1) await world.clock.advance(1000);
      const verified = agent.store.verify(blob.digest);
      await world.clock.advance(1000);
      expect(await verified).toMatchObject({ outcome: 'sound' });
      await first;
      await world.clock.advance(EVERY_MS);
      const second = agent.scrubOnce();
      await world.clock.advance(1000);
      const stopping = agent.stop();
      await world.clock.advance(1000);
      await stopping;
      await second;
      expect(await agent.scrubOnce()).toBe(false);
    });
  });
});
