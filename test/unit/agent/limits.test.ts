import { describe, expect, it } from 'vitest';
import { Bytes } from '../../../lib/shared/units.ts';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';
import { createAgentWorld } from './agentWorld.ts';

const PAGE = 4096;

/** A volume whose quota can be changed while it is used; every blob here takes one page of it. */
function diskWithQuota(totalBytes: number) {
  const disk = createMemDisk();
  const quota = { totalBytes };
  const quotaDisk: MemDisk = {
    ...disk,
    async space() {
      const { totalBytes: size, freeBytes } = await disk.space();
      const used = size - freeBytes;
      return { totalBytes: quota.totalBytes, freeBytes: Math.max(0, quota.totalBytes - used) };
    },
  };
  return { disk: quotaDisk, quota };
}

async function holding(sizes: readonly number[], options: Parameters<typeof createAgentWorld>[0]) {
  const world = createAgentWorld(options);
  const agent = await world.boot();
  const blobs = sizes.map((size, seed) => world.addBlob(size, seed + 1));
  for (const blob of blobs) {
    await world.clock.advance(10);
    world.command(world.prefetchOf(blob, blob.digest.slice(0, 8)));
    await world.work(agent);
  }
  return { world, agent, blobs };
}

const evictions = (world: ReturnType<typeof createAgentWorld>) =>
  world.sent.receipts.filter((receipt) => receipt.origin === 'local' && receipt.type === 'evict');

describe('a store above its high watermark', () => {
  const watermarks = { high: 0.9, low: 0.5 };

  it('evicts ahead of need, what is worth least first, down to the low one, and reports each', async () => {
    const { world, agent, blobs } = await holding([200, 200, 200, 200, 120], { capacity: 1000 });
    world.crash();
    const again = await world.boot({ watermarks });
    const { usedBytes } = await again.store.measures();
    expect(usedBytes).toBeLessThanOrEqual(500);
    expect(usedBytes).toBeGreaterThan(300);
    await again.flushReceiptsOnce();
    const residents = again.store.residents();
    const left = blobs.filter(({ digest }) => !residents.includes(digest));
    expect(
      evictions(world)
        .map(({ digest, outcome }) => `${digest} ${outcome}`)
        .sort(),
    ).toEqual(left.map(({ digest }) => `${digest} done`).sort());
    expect(new Set(evictions(world).map(({ choice }) => choice?.policy))).toEqual(new Set(['strata']));
    expect(agent.store.residents()).toHaveLength(5);
  });

  it('does nothing between the two', async () => {
    const { world } = await holding([200, 200, 200, 200], { capacity: 1000 });
    world.crash();
    const again = await world.boot({ watermarks });
    await again.upkeepOnce();
    expect(again.store.residents()).toHaveLength(4);
  });

  it('counts what is being filled and leaves what is leased or pinned', async () => {
    const { world, agent, blobs } = await holding([300, 300, 320], { capacity: 1000 });
    const [first, second, third] = blobs.map(({ digest }) => digest);
    await agent.store.pin(first ?? expect.fail(), true);
    await agent.store.lease([second ?? expect.fail()]);
    world.crash();
    const again = await world.boot({ watermarks });
    expect(again.store.residents()).toEqual([first, second]);
    expect(evictions(world).map(({ digest }) => digest)).not.toContain(first);
    expect((await again.store.measures()).usedBytes).toBe(600);
    expect(third).toBeDefined();
  });
});

describe('a quota that shrinks below what lies in the store', () => {
  it('is met at the next upkeep, and no fill is admitted above it', async () => {
    const { disk, quota } = diskWithQuota(2 ** 20);
    const sizes = [PAGE, PAGE, PAGE, PAGE];
    const { world, agent, blobs } = await holding(sizes, { capacity: 2 ** 20, disk });
    quota.totalBytes = 3 * PAGE;
    await agent.upkeepOnce();
    const { usedBytes } = await agent.store.measures();
    expect(usedBytes).toBeLessThanOrEqual(quota.totalBytes);
    expect(agent.store.residents().length).toBeGreaterThan(0);
    const refused = world.command(world.prefetchOf(world.addBlob(4 * PAGE, 9), 'late'));
    await world.work(agent);
    expect(world.sent.receipts.find(({ actionId }) => actionId === refused)).toMatchObject({
      outcome: 'failed',
      code: 'no-room',
    });
    expect((await agent.store.measures()).usedBytes).toBeLessThanOrEqual(quota.totalBytes);
    expect(blobs).toHaveLength(4);
  });

  it('is met although a step of the upkeep before it fails, which is told at its end', async () => {
    const { disk, quota } = diskWithQuota(2 ** 20);
    const { world, agent } = await holding([PAGE, PAGE, PAGE], { capacity: 2 ** 20, disk });
    const gate = Promise.withResolvers<void>();
    world.hooks.beforeRead = () => gate.promise;
    world.command(world.prefetchOf(world.addBlob(PAGE, 9), 'slow'));
    await agent.pollOnce();
    await world.clock.advance(20_000);
    world.hooks.beforeExtension = async () => {
      throw new TypeError('nobody expects this');
    };
    quota.totalBytes = 2 * PAGE;
    await expect(agent.upkeepOnce()).rejects.toThrow('1 steps of the upkeep failed.');
    expect((await agent.store.measures()).usedBytes).toBeLessThanOrEqual(2 * PAGE);
    const failed = world.telemetry.records.filter(({ event }) => event === 'upkeep-step-failed');
    expect(failed.map(({ fields }) => fields['step'])).toEqual(['visibility']);
    const counted = { name: 'UpkeepStepsFailed', value: 1, dimensions: { step: 'visibility' } };
    expect(world.telemetry.metrics).toContainEqual(counted);
    gate.resolve();
    await agent.settled();
  });

  it('never takes what is leased; it goes when its lease ends', async () => {
    const { disk, quota } = diskWithQuota(2 ** 20);
    const { agent, blobs } = await holding([PAGE, PAGE], { capacity: 2 ** 20, disk });
    const digests = blobs.map(({ digest }) => digest);
    const lease = await agent.store.lease(digests);
    quota.totalBytes = PAGE;
    await agent.upkeepOnce();
    expect(agent.store.residents()).toEqual(digests);
    await agent.store.leases.release(lease?.id ?? '');
    await agent.upkeepOnce();
    expect((await agent.store.measures()).usedBytes).toBeLessThanOrEqual(PAGE);
  });

  it('by a smaller configuration is met at the start', async () => {
    const { world } = await holding([300, 300, 300], { capacity: 1000 });
    world.crash();

    const again = await world.boot({ capacityBytes: Bytes.parse(650) });
    expect(again.store.residents()).toHaveLength(2);
  });
});
