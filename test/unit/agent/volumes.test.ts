import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { blobPath, FIRST_VOLUME } from '../../../agent/nvme/paths.ts';
import { Bytes, Usd } from '../../../lib/shared/units.ts';
import type { TestBlob } from './agentWorld.ts';
import { COLD, createVolumesWorld, type Fault, SECOND, type VolumesWorld } from './volumesWorld.ts';

const onVolume = (agent: Agent, blobs: readonly TestBlob[]) =>
  blobs.map(({ digest }) => agent.store.blob(digest)?.volume ?? 'nowhere');

/** Which ones they are is the eviction policy's choice. */
const countOn = (agent: Agent, blobs: readonly TestBlob[]) => {
  const volumes = onVolume(agent, blobs);
  const count = (volume: string) => volumes.filter((one) => one === volume).length;
  return { data: count(FIRST_VOLUME), cold: count(COLD), nowhere: count('nowhere') };
};

function oneBelow(agent: Agent, blobs: readonly TestBlob[]): TestBlob {
  return blobs[onVolume(agent, blobs).indexOf(COLD)] ?? expect.fail('none was moved down');
}

async function fiveAsked(cold = 10_000) {
  const world = createVolumesWorld({ capacity: 1000, volumes: [{ name: COLD, tier: 'ssd', capacity: cold }] });
  const agent = await world.bootWith();
  const blobs: TestBlob[] = [];
  for (let at = 0; at < 5; at += 1) {
    const blob = await world.fetched(agent, 190);
    await world.asked(agent, blob);
    blobs.push(blob);
  }
  return { world, agent, blobs };
}

describe('a store with an SSD volume below', () => {
  it('moves down what it would have evicted ahead of need, and serves it from there without a fetch', async () => {
    const { world, agent, blobs } = await fiveAsked();
    const reads = world.counters.rangeReads;
    await agent.upkeepOnce();
    expect(onVolume(agent, blobs)).toEqual(Array.from({ length: 5 }, () => FIRST_VOLUME));
    expect(await world.moveAll(agent)).toBe(3);
    expect(countOn(agent, blobs)).toEqual({ data: 2, cold: 3, nowhere: 0 });
    expect(agent.store.residents()).toHaveLength(5);
    const below = oneBelow(agent, blobs);
    expect(world.linksTo(below)).toHaveLength(2);
    expect(blobs.map((blob) => world.linksTo(blob).length)).toEqual([2, 2, 2, 2, 2]);
    for (const link of world.linksTo(below)) expect(link).toContain('/volumes/cold/blobs/');
    expect((await world.copies()).every(({ named, found }) => named === found)).toBe(true);
    expect(await world.copies()).toHaveLength(5);
    world.publishOne('again', below, 0);
    expect((await agent.models.ensure(world.NAME, 'again', 1000)).outcome).toBe('ready');
    expect(world.counters.rangeReads).toBe(reads);
    expect(world.staged()).toEqual([]);
  });

  it('evicts instead what nobody has asked for, and tells the plane', async () => {
    const world = createVolumesWorld({ capacity: 1000, volumes: [{ name: COLD, tier: 'ssd', capacity: 10_000 }] });
    const agent = await world.bootWith();
    const blobs = [];
    for (let at = 0; at < 5; at += 1) blobs.push(await world.fetched(agent, 190));
    await world.moveAll(agent);
    expect(countOn(agent, blobs)).toEqual({ data: 2, cold: 0, nowhere: 3 });
    await agent.flushReceiptsOnce();
    expect(world.sent.receipts.filter(({ type, outcome }) => type === 'evict' && outcome === 'done')).toHaveLength(3);
  });

  it('never moves what is leased or pinned', async () => {
    const { world, agent, blobs } = await fiveAsked();
    const [leased, pinned] = blobs;
    await agent.store.lease([leased?.digest ?? expect.fail()]);
    await agent.store.pin(pinned?.digest ?? expect.fail(), true);
    await world.moveAll(agent);
    expect(onVolume(agent, blobs)).toEqual([FIRST_VOLUME, FIRST_VOLUME, COLD, COLD, COLD]);
  });

  it('moves up what was asked for while it lay below, once its lease has ended', async () => {
    const { world, agent, blobs } = await fiveAsked();
    await world.moveAll(agent);
    const wanted = oneBelow(agent, blobs);
    const { digest } = wanted;
    const lease = await agent.store.lease([digest]);
    expect(await agent.moveOnce()).toBe(false);
    await agent.store.leases.release(lease?.id ?? '');
    expect(await agent.moveOnce()).toBe(true);
    expect(agent.store.blob(digest)).toMatchObject({ volume: FIRST_VOLUME, also: undefined });
    expect((await world.copies()).filter(({ named }) => named === digest)).toHaveLength(1);
    for (const link of world.linksTo(wanted)) expect(link).not.toContain('/volumes/');
  });

  it('keeps what is worth most where the SSD volume is full, and tells the plane what it weighed', async () => {
    const { world, agent, blobs } = await fiveAsked(200);
    await world.moveAll(agent);
    expect(countOn(agent, blobs)).toEqual({ data: 2, cold: 1, nowhere: 2 });
    await agent.flushReceiptsOnce();
    const weighed = world.sent.receipts.filter(({ demotion }) => demotion !== undefined);
    expect(weighed.length).toBeGreaterThanOrEqual(3);
    const oddsOf = ({ digest }: TestBlob) => weighed.find((one) => one.digest === digest)?.demotion?.useOdds ?? 1;
    const left = blobs.filter(({ digest }) => agent.store.tierOf(digest) !== 'nvme');
    expect(oddsOf(oneBelow(agent, blobs))).toBe(Math.max(...left.map(oddsOf)));
    const below = weighed.find(({ digest }) => digest === oneBelow(agent, blobs).digest);
    expect(below).toMatchObject({ type: 'demote', demotion: { reason: 'pays' } });
    const displaced = world.sent.receipts.filter(
      ({ type, choice }) => type === 'evict' && choice?.roomFor !== undefined,
    );
    for (const { choice } of displaced) expect(choice).toMatchObject({ reason: 'least-worth', policy: 'strata' });
  });

  it('tells with each move what NVMe holds after it', async () => {
    const { world, agent } = await fiveAsked();
    await world.moveAll(agent);
    await agent.flushReceiptsOnce();
    const moves = world.sent.receipts.filter(({ type }) => type === 'demote');
    expect(moves.map(({ measured }) => measured.usedBytes)).toEqual([760, 570, 380]);
  });

  it('lets nothing leave SSD for what nobody knows the origin of', async () => {
    const { world, agent } = await fiveAsked(215);
    await world.moveAll(agent);
    const below = () => agent.store.residents().filter((digest) => agent.store.tierOf(digest) === 'ssd');
    const kept = below();
    expect(kept).toHaveLength(1);
    world.crash();
    await world.disk.remove('state/ledger');
    const again = await world.bootWith();
    for (const { digest } of again.store.ledger.state.blobs.values()) await again.store.verify(digest);
    await world.fetched(again, 190);
    await world.fetched(again, 190);
    await world.fetched(again, 190);
    while (await again.moveOnce());
    expect(again.store.residents().filter((digest) => again.store.tierOf(digest) === 'ssd')).toEqual(kept);
    await again.flushReceiptsOnce();
    const unknown = world.sent.receipts.filter(({ demotion }) => demotion?.reason === 'no-origin');
    expect(unknown.map(({ type }) => type)).toContain('evict');
    expect(unknown.map(({ type }) => type)).not.toContain('demote');
  });

  it('evicts what costs more to write than a miss would, and keeps what reading its origin makes dear', async () => {
    const world = createVolumesWorld({ capacity: 1000, volumes: [{ name: COLD, tier: 'ssd', capacity: 10_000 }] });
    // From the origin 1 $ a MB, and ten times as much where reads are charged; 2 $ a MB to write.
    const usdOf = (storageClass?: string) => (storageClass === 'GLACIER_IR' ? 1e-5 : 1e-6);
    const agent = await world.bootWith({
      eviction: {
        missCost: (bytes, storageClass) => ({ ms: bytes, usd: Usd.parse(bytes * usdOf(storageClass)) }),
        weighs: 'wait',
        waitUsd: () => 0,
        wearUsdPerByte: 2e-6,
      },
    });
    const cold: TestBlob[] = [];
    for (let at = 0; at < 5; at += 1) {
      const blob = await world.fetched(agent, 190);
      if (at % 2 === 0) {
        world.publishOne(`cold-${at}`, blob, at);
        world.setClass(blob.digest, 'GLACIER_IR');
        expect((await agent.models.ensure(world.NAME, `cold-${at}`, 1000)).outcome).toBe('ready');
        cold.push(blob);
      } else await world.asked(agent, blob);
    }
    await world.clock.advance(70_000);
    await agent.upkeepOnce();
    await world.moveAll(agent);
    await agent.flushReceiptsOnce();
    for (const { type, digest, demotion } of world.sent.receipts) {
      if (demotion === undefined) continue;
      const isCold = cold.some((blob) => blob.digest === digest);
      expect([type, demotion.reason]).toEqual(isCold ? ['demote', 'pays'] : ['evict', 'costs-more']);
      expect(demotion.missUsd).toBeCloseTo(190 * usdOf(isCold ? 'GLACIER_IR' : 'STANDARD'), 12);
    }
    expect(countOn(agent, cold).nowhere).toBe(0);
  });

  it('tells a plane of an older protocol nothing of moves', async () => {
    const { world, agent } = await fiveAsked();
    const session = agent.session.current() ?? expect.fail();
    expect(session.protocol).toBe(3);
    agent.session.current = () => ({ ...session, protocol: 2 });
    await world.moveAll(agent);
    await agent.flushReceiptsOnce();
    expect(world.sent.receipts.filter(({ type, demotion }) => type === 'demote' || demotion !== undefined)).toEqual([]);
  });

  it('reports each volume in its heartbeats, and the NVMe volumes together as its capacity', async () => {
    const { world, agent } = await fiveAsked();
    await world.moveAll(agent);
    await agent.heartbeatOnce();
    expect(world.sent.heartbeats.at(-1)).toMatchObject({
      schema: 'host-heartbeat/3',
      capacityBytes: 1000,
      usedBytes: 380,
      volumes: [
        { name: 'data', tier: 'nvme', state: 'active', usedBytes: 380 },
        { name: 'cold', tier: 'ssd', state: 'active', capacityBytes: 10_000, usedBytes: 570 },
      ],
    });
  });

  it('finds a flipped bit below and fetches the blob again', async () => {
    const { world, agent, blobs } = await fiveAsked();
    await world.moveAll(agent);
    const { digest } = oneBelow(agent, blobs);
    world.disk.flipBit(blobPath(digest, COLD), 3);
    await world.clock.advance(40_000);
    for (let turn = 0; turn < 5; turn += 1) {
      const step = agent.scrubOnce();
      for (let tick = 0; tick < 10; tick += 1) await world.clock.advance(1);
      await step;
      await agent.settled();
    }
    expect((await world.copies()).every(({ named, found }) => named === found)).toBe(true);
    expect(agent.store.residents()).toContain(digest);
  });

  it('gives a move up for whoever wants the blob gone', async () => {
    const { world, agent, blobs } = await fiveAsked();
    const digest = blobs[0]?.digest ?? expect.fail();
    const moving = agent.moveOnce();
    const evicted = agent.store.evict(digest);
    expect(await evicted).toMatchObject({ outcome: 'gone' });
    await moving;
    expect(await agent.store.measureBlob(digest)).toBe(0);
    expect(world.staged()).toEqual([]);
  });

  it('keeps what is pinned while it is copied down, once that is given up', async () => {
    const { agent, blobs } = await fiveAsked();
    const moving = agent.moveOnce();
    const copied = () => blobs.find(({ digest }) => agent.store.blob(digest)?.also === COLD);
    for (let task = 0; task < 1000 && copied() === undefined; task += 1) await Promise.resolve();
    const { digest } = copied() ?? expect.fail('none is being copied');
    const letGo = agent.store.leases.hold([digest]);
    const pinned = agent.store.pin(digest, true);
    for (let task = 0; task < 1000 && copied() !== undefined; task += 1) await Promise.resolve();
    letGo();
    expect(await pinned).toBe(true);
    expect(await moving).toBe(false);
    expect(agent.store.blob(digest)).toMatchObject({ state: 'resident', volume: FIRST_VOLUME, pinned: true });
    expect(await agent.store.measureBlob(digest)).toBe(190);
  });

  it('keeps what it copies down when the agent stops in the middle of that', async () => {
    const { agent, blobs } = await fiveAsked();
    const moving = agent.moveOnce();
    const copied = () => blobs.find(({ digest }) => agent.store.blob(digest)?.also === COLD);
    for (let task = 0; task < 1000 && copied() === undefined; task += 1) await Promise.resolve();
    expect(copied()).toBeDefined();
    await agent.store.moves.stop();
    expect(await moving).toBe(false);
    expect(countOn(agent, blobs)).toEqual({ data: 5, cold: 0, nowhere: 0 });
    expect(agent.store.residents()).toHaveLength(5);
  });

  it('keeps what gave way to somebody who has finished, and moves it later', async () => {
    const { world, agent, blobs } = await fiveAsked();
    const moving = agent.moveOnce();
    const copied = () => blobs.find(({ digest }) => agent.store.blob(digest)?.also === COLD);
    for (let task = 0; task < 1000 && copied() === undefined; task += 1) await Promise.resolve();
    const { digest } = copied() ?? expect.fail('none is being copied');
    const letGo = agent.store.leases.hold([digest]);
    for (let task = 0; task < 1000 && copied() !== undefined; task += 1) await Promise.resolve();
    letGo();
    expect(await moving).toBe(false);
    expect(onVolume(agent, blobs)).not.toContain('nowhere');
    expect(await world.moveAll(agent)).toBe(3);
    expect(countOn(agent, blobs)).toEqual({ data: 2, cold: 3, nowhere: 0 });
  });

  it('evicts what would have paid where its copy fails, and says so', async () => {
    const { world, agent, blobs } = await fiveAsked();
    const cold = world.others.get(COLD) ?? expect.fail();
    cold.fault = 'full';
    expect(await agent.moveOnce()).toBe(true);
    expect(countOn(agent, blobs)).toEqual({ data: 4, cold: 0, nowhere: 1 });
    await agent.flushReceiptsOnce();
    expect(world.sent.receipts.at(-1)).toMatchObject({ type: 'evict', demotion: { reason: 'not-copied' } });
  });

  it('leases to nobody what an eviction waits for, also when the move before it ends', async () => {
    const { world, agent, blobs } = await fiveAsked();
    const moving = agent.moveOnce();
    const switching = () => blobs.find(({ digest }) => !agent.store.residents().includes(digest));
    for (let task = 0; task < 1000 && switching() === undefined; task += 1) await Promise.resolve();
    const { digest } = switching() ?? expect.fail('none is being moved');
    const eviction = { ended: false };
    const evicted = agent.store.evict(digest).finally(() => {
      eviction.ended = true;
    });
    while (!eviction.ended) {
      expect(await agent.store.lease([digest])).toBeUndefined();
      expect(await agent.store.pin(digest, true)).toBe(false);
    }
    expect(await evicted).toMatchObject({ outcome: 'gone' });
    expect(await moving).toBe(true);
    expect((await world.copies()).map(({ named }) => named)).not.toContain(digest);
  });

  it('without its ledger distrusts every volume and keeps one copy of each', async () => {
    const { world, agent, blobs } = await fiveAsked();
    await world.moveAll(agent);
    const before = onVolume(agent, blobs);
    world.crash();
    await world.disk.remove('state/ledger');
    const again = await world.bootWith();
    expect(again.store.rebuilt).toMatchObject({ resident: 0, unchecked: 5 });
    expect(onVolume(again, blobs)).toEqual(before);
  });
});

describe('a store with two NVMe volumes', () => {
  it('fills the one with more room, keeps each limit, and refuses what fits on neither', async () => {
    const world = createVolumesWorld({ capacity: 500, volumes: [{ name: SECOND, tier: 'nvme', capacity: 700 }] });
    const agent = await world.bootWith();
    const blobs = [];
    for (const size of [300, 300, 150, 150]) blobs.push(await world.fetched(agent, size));
    expect(onVolume(agent, blobs)).toEqual([SECOND, FIRST_VOLUME, SECOND, SECOND]);
    const { usedBytes, capacityBytes } = await agent.store.measures();
    expect({ usedBytes, capacityBytes }).toEqual({ usedBytes: 900, capacityBytes: 1200 });
    await world.fetched(agent, 710);
    expect(world.sent.receipts.at(-1)).toMatchObject({ outcome: 'failed', code: 'no-room' });
  });
});

describe('a volume that fails', () => {
  async function withSecond() {
    const world = createVolumesWorld({ capacity: 500, volumes: [{ name: SECOND, tier: 'nvme', capacity: 700 }] });
    const agent = await world.bootWith();
    const [lost, safe] = [await world.fetched(agent, 300), await world.fetched(agent, 190)];
    expect(onVolume(agent, [lost, safe])).toEqual([SECOND, FIRST_VOLUME]);
    const volume = world.others.get(SECOND) ?? expect.fail();
    return { world, agent, lost, safe, volume };
  }

  async function settle(world: VolumesWorld, agent: Agent): Promise<void> {
    await agent.upkeepOnce();
    await agent.settled();
    await agent.flushReceiptsOnce();
    await agent.heartbeatOnce();
    expect(world.sent.heartbeats.at(-1)?.volumes?.[1]).toMatchObject({ name: 'second', state: 'failed', usedBytes: 0 });
  }

  it.each<Fault>(['io', 'read-only', 'unmounted'])(
    '(%s) is let go of and reported; the others go on',
    async (fault) => {
      const { world, agent, lost, safe, volume } = await withSecond();
      volume.fault = fault;
      await settle(world, agent);
      expect(agent.store.residents()).toEqual([safe.digest]);
      expect(world.linksTo(lost)).toEqual([]);
      const told = world.sent.receipts.find(({ type, digest }) => type === 'evict' && digest === lost.digest);
      expect(told).toMatchObject({ origin: 'local', code: 'disk-error', message: 'The volume second failed.' });
      expect((await agent.store.measures()).capacityBytes).toBe(500);
      const fresh = await world.fetched(agent, 200);
      expect(onVolume(agent, [fresh])).toEqual([FIRST_VOLUME]);
    },
  );

  it('gives back on another volume what was pinned or leased there', async () => {
    const { world, agent, lost, volume } = await withSecond();
    await agent.store.lease([lost.digest]);
    volume.fault = 'io';
    await settle(world, agent);
    expect(onVolume(agent, [lost])).toEqual([FIRST_VOLUME]);
    expect(agent.store.residents()).toContain(lost.digest);
  });

  it('is trusted again only after a restart, and only blob by blob', async () => {
    const { world, agent, lost, safe, volume } = await withSecond();
    volume.fault = 'io';
    await settle(world, agent);
    volume.fault = undefined;
    await agent.upkeepOnce();
    expect(agent.store.residents()).toEqual([safe.digest]);
    world.crash();
    const again = await world.bootWith();
    expect(again.store.rebuilt).toMatchObject({ resident: 1, unchecked: 1 });
    expect(await again.store.verify(lost.digest)).toMatchObject({ outcome: 'sound' });
    expect(again.store.residents()).toContain(lost.digest);
  });

  it('at the start lets the agent start without it', async () => {
    const { world, safe, volume } = await withSecond();
    world.crash();
    volume.fault = 'io';
    const again = await world.bootWith();
    expect(again.store.residents()).toEqual([safe.digest]);
  });

  it('at the start takes nothing of what a resize allowed, since it may come back', async () => {
    const { world, agent, volume } = await withSecond();
    const capacityBytes = Bytes.parse(1.5 * 2 ** 40);
    world.command({ type: 'resize', capacityBytes });
    await world.work(agent);
    for (const fault of ['io', undefined] as const) {
      volume.fault = fault;
      const again = await world.bootWith();
      expect(await again.store.measures()).toMatchObject({ capacityBytes });
    }
  });

  it('in the middle of a fill fails that fill once, and the next one goes elsewhere', async () => {
    const { world, agent, volume } = await withSecond();
    const blob = world.addBlob(310, 50);
    world.hooks.beforeRead = async (_, offset) => {
      if (offset >= 128) volume.fault = 'io';
    };
    world.command(world.prefetchOf(blob, 'late'));
    await world.work(agent);
    expect(world.sent.receipts.at(-1)).toMatchObject({ outcome: 'failed', code: 'disk-error' });
    await settle(world, agent);
    world.hooks.beforeRead = async () => undefined;
    world.command(world.prefetchOf(blob, 'late'));
    await world.work(agent);
    expect(onVolume(agent, [blob])).toEqual([FIRST_VOLUME]);
  });

  it('and was replaced by another one is not taken for the old one', async () => {
    const { world, lost, volume } = await withSecond();
    world.crash();
    await volume.disk.remove('state/volume');
    await volume.disk.write('state/volume', 0, Buffer.from('the mark of another one'));
    const again = await world.bootWith();
    expect(again.store.rebuilt).toMatchObject({ resident: 1, unchecked: 1 });
    expect(again.store.residents()).not.toContain(lost.digest);
  });
});
