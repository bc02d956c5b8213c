import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { blobPath } from '../../../agent/nvme/paths.ts';
import { MINUTE_MS } from '../../../lib/shared/units.ts';
import { type AgentWorld, createAgentWorld, PART } from './agentWorld.ts';

/** A host with one pinned copy, in which a bit has flipped. */
async function withBrokenPin() {
  const world = createAgentWorld();
  const agent = await world.boot();
  const blob = world.addBlob(3 * PART + 5, 1);
  const { digest } = blob;
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  world.command({ type: 'pin', digest });
  await world.work(agent);
  await world.clock.advance(40_000);
  world.disk.flipBit(blobPath(digest), 7);
  return { world, agent, digest };
}

/** The scrub finds it, and fetches it again, as time passes; the calls of an agent that died never settle. */
async function scrub(world: AgentWorld, agent: Agent): Promise<void> {
  const progress = { ended: false };
  void agent
    .scrubOnce()
    .then(() => agent.settled())
    .finally(() => {
      progress.ended = true;
    });
  for (let turn = 0; turn < 300 && !progress.ended; turn += 1) await world.clock.advance(turn < 150 ? 1 : 1_000);
}

/** Everything that a host does by itself, for less than the time after which what nobody continues is dropped. */
async function live(world: AgentWorld, agent: Agent): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    await agent.upkeepOnce();
    await scrub(world, agent);
    await agent.settled();
    await world.clock.advance(1_000);
  }
}

describe('a pinned copy that is broken', () => {
  it('is fetched again with its pin, whenever the host dies meanwhile', async () => {
    let calls = 1;
    for (let at = 1; at <= calls; at += 1) {
      const { world, agent, digest } = await withBrokenPin();
      world.crashAtCall(at);
      await scrub(world, agent);
      if (at === 1) {
        const counting = await withBrokenPin();
        counting.world.crashAtCall(Number.POSITIVE_INFINITY);
        await scrub(counting.world, counting.agent);
        calls = counting.world.counters.calls;
        expect(calls).toBeGreaterThan(20);
      }
      world.crashAtCall(Number.POSITIVE_INFINITY);
      const again = await world.boot();
      await live(world, again);
      expect(again.store.blob(digest), `died at call ${at}`).toMatchObject({ state: 'resident', pinned: true });
      expect(again.store.lost()).toEqual([]);
      expect(await world.wrongBlobs()).toEqual([]);
    }
  });

  it('waits for an origin that cannot be reached, also over a restart', async () => {
    const { world, agent, digest } = await withBrokenPin();
    world.hooks.beforeRead = () => Promise.reject(new TypeError('no network'));
    await scrub(world, agent);
    expect(agent.store.blob(digest)).toBeUndefined();
    delete world.hooks.beforeRead;
    world.crash();
    const again = await world.boot();
    await again.upkeepOnce();
    await again.settled();
    expect(again.store.blob(digest)).toMatchObject({ state: 'resident', pinned: true });
  });

  it('is tried again later where the origin has answered with wrong bytes', async () => {
    const { world, agent, digest } = await withBrokenPin();
    world.hooks.damage = (key, bytes) => (key.endsWith('.parts') ? bytes : bytes.map((byte) => byte ^ 1));
    await scrub(world, agent);
    expect(agent.store.blob(digest)).toBeUndefined();
    delete world.hooks.damage;
    await world.clock.advance(10 * MINUTE_MS);
    await agent.upkeepOnce();
    await agent.settled();
    expect(agent.store.blob(digest)).toMatchObject({ state: 'resident', pinned: true });
  });

  it('stays without its pin where that is taken back before it is there again', async () => {
    const { world, agent, digest } = await withBrokenPin();
    world.hooks.beforeRead = async () => {
      delete world.hooks.beforeRead;
      await agent.store.pin(digest, false);
    };
    await scrub(world, agent);
    expect(agent.store.blob(digest)).toMatchObject({ state: 'resident', pinned: false });
  });

  it('is given up where it is evicted before it is there again', async () => {
    const { world, agent, digest } = await withBrokenPin();
    let evicted: Promise<unknown> | undefined;
    world.hooks.beforeRead = async () => {
      evicted ??= agent.store.evict(digest);
    };
    await scrub(world, agent);
    await evicted;
    await world.clock.advance(20 * MINUTE_MS);
    await agent.upkeepOnce();
    await agent.settled();
    expect(agent.store.blob(digest)).toBeUndefined();
    expect(agent.store.lost()).toEqual([]);
  });
});
