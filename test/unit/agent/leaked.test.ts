import { expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { blobPath, stagingPath } from '../../../agent/nvme/paths.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { type AgentWorld, createAgentWorld, PART } from './agentWorld.ts';

/** A host whose disk cannot remove the one file of this path, once. */
async function prepare() {
  const disk = createMemDisk();
  let stuck: string | undefined;
  const world = createAgentWorld({
    disk: {
      ...disk,
      async remove(path) {
        if (path !== stuck) return disk.remove(path);
        stuck = undefined;
        throw new DiskError('io', `${path}: EIO`);
      },
    },
  });
  const agent = await world.boot();
  const sticks = (path: string) => {
    stuck = path;
  };
  return { world, agent, sticks };
}

/** Everything that a host does by itself, for longer than an hour. */
async function live(world: AgentWorld, agent: Agent): Promise<void> {
  for (let round = 0; round < 8; round += 1) {
    await agent.upkeepOnce();
    await agent.settled();
    await agent.flushReceiptsOnce();
    await world.clock.advance(10 * 60_000);
  }
}

function reported(world: AgentWorld): string[] {
  return world.sent.receipts.map(({ type, outcome }) => `${type} ${outcome}`);
}

it('an evicted copy whose file could not be removed once goes in the end, and does not come back', async () => {
  const { world, agent, sticks } = await prepare();
  const blob = world.addBlob(3 * PART);
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  sticks(blobPath(blob.digest));
  world.command({ type: 'evict', digest: blob.digest });
  await world.work(agent);
  await live(world, agent);
  expect(reported(world)).toEqual(['prefetch done', 'evict leaked']);
  expect(agent.store.blob(blob.digest)).toBeUndefined();
  expect(await world.bytesOnDisk()).toBe(0);
});

it('a copy that leaked before a restart does not come back either', async () => {
  const { world, agent, sticks } = await prepare();
  const blob = world.addBlob(3 * PART);
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  sticks(blobPath(blob.digest));
  world.command({ type: 'evict', digest: blob.digest });
  await world.work(agent);
  world.crash();
  const again = await world.boot();
  await live(world, again);
  expect(reported(world)).toEqual(['prefetch done', 'evict leaked']);
  expect(await world.bytesOnDisk()).toBe(0);
});

it('a fetch of wrong bytes whose staging file could not be removed once fails once, and is not begun again', async () => {
  const { world, agent, sticks } = await prepare();
  const blob = world.addBlob(3 * PART);
  sticks(stagingPath(blob.digest));
  world.hooks.damage = (key, bytes) => (key.endsWith('.parts') ? bytes : bytes.map((byte) => byte ^ 1));
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  delete world.hooks.damage;
  await live(world, agent);
  expect(reported(world)).toEqual(['prefetch leaked']);
  expect(agent.store.blob(blob.digest)).toBeUndefined();
  expect(await world.bytesOnDisk()).toBe(0);
});

it('a broken copy whose file could not be removed once is fetched again', async () => {
  const { world, agent, sticks } = await prepare();
  const blob = world.addBlob(3 * PART);
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  sticks(blobPath(blob.digest));
  world.disk.flipBit(blobPath(blob.digest), 7);
  world.command({ type: 'verify', digest: blob.digest });
  await world.work(agent);
  await live(world, agent);
  expect(reported(world)).toEqual(['prefetch done', 'verify leaked', 'prefetch done']);
  expect(agent.store.residents()).toEqual([blob.digest]);
});

it('a pin that is written while a broken copy is taken out of service comes back with it', async () => {
  const { world, agent } = await prepare();
  const blob = world.addBlob(3 * PART);
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  world.disk.flipBit(blobPath(blob.digest), 7);
  const { ledger } = agent.store;
  const { digest, size, origin, entries } = agent.store.blob(blob.digest) ?? expect.fail('it is not there');
  if (origin === undefined) expect.fail('its origin is not known');
  await Promise.all([
    agent.store.pin(digest, true),
    ledger.commit([
      { is: 'broken', digest },
      { is: 'lost', digest, size, origin, entries: [...entries], pinned: false },
    ]),
  ]);
  await live(world, agent);
  expect(agent.store.blob(digest)).toMatchObject({ state: 'resident', pinned: true });
});
