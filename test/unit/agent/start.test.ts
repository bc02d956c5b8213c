import { describe, expect, it } from 'vitest';
import type { Disk } from '../../../lib/shared/ports/disk.ts';
import { ModelName, SemVer } from '../../../lib/shared/ids.ts';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';
import { createAgentWorld, PART } from './agentWorld.ts';

/** Counts the calls that look at blobs: what a start must not do once per byte, nor once per blob. */
function watchedDisk() {
  const disk = createMemDisk();
  const calls = { reads: 0, stats: 0 };
  const blob = /^blobs\/..\/./;
  const watched: MemDisk & Disk = {
    ...disk,
    read(path, offset, length) {
      if (blob.test(path)) calls.reads += 1;
      return disk.read(path, offset, length);
    },
    stat(path) {
      if (blob.test(path)) calls.stats += 1;
      return disk.stat(path);
    },
  };
  return { disk: watched, calls };
}

async function holding(count: number) {
  const { disk, calls } = watchedDisk();
  const world = createAgentWorld({ capacity: 1_000_000, disk });
  const agent = await world.boot();
  for (let seed = 1; seed <= count; seed += 1) {
    world.command(world.prefetchOf(world.addBlob(3 * PART, seed), `file-${seed}`));
  }
  while ((await world.waiting()) > 0) await world.work(agent);
  world.crash();
  calls.reads = 0;
  calls.stats = 0;
  return { world, calls };
}

describe('a start', () => {
  it('logs its registration without the host, which stands on every line already', async () => {
    const world = createAgentWorld({});
    await world.boot();
    const registered = world.telemetry.records.filter(({ event }) => event === 'host-registered');
    expect(registered.map(({ fields }) => fields)).toEqual([{ generation: 1 }]);
  });

  it('says why its session is over before it registers anew', async () => {
    const world = createAgentWorld({});
    await world.boot();
    world.crash();
    world.retire();
    await world.boot();
    const told = world.telemetry.records.filter(({ event }) => /^(session-over|host-registered)$/.test(event));
    expect(told.map(({ event, fields }) => [event, fields['code'] ?? fields['generation']])).toEqual([
      ['host-registered', 1],
      ['session-over', 'stale-generation'],
      ['host-registered', 2],
    ]);
  });

  it('looks at no blob while the ledger is intact', async () => {
    const { world, calls } = await holding(60);
    const agent = await world.boot();
    expect(agent.store.residents()).toHaveLength(60);
    expect(calls).toEqual({ reads: 0, stats: 0 });
  });

  it('without its ledger asks for sizes only, and hashes each blob when it is asked for or in the background', async () => {
    const { world, calls } = await holding(20);
    await world.disk.remove('state/ledger');
    const agent = await world.boot();
    expect(calls).toEqual({ reads: 0, stats: 20 });
    expect(agent.store.residents()).toEqual([]);
    const wanted = world.addBlob(3 * PART, 7);
    world.publish('latest', { 'model.safetensors': wanted });
    expect((await agent.models.ensure(world.NAME, 'latest', 1000)).outcome).toBe('ready');
    expect(agent.store.residents()).toEqual([wanted.digest]);
    for (let turn = 0; turn < 20; turn += 1) {
      const step = agent.scrubOnce();
      for (let tick = 0; tick < 10; tick += 1) await world.clock.advance(1);
      await step;
    }
    expect(agent.store.residents()).toHaveLength(20);
  });
});

describe('1,000 inference processes that ask for 50 models at once', () => {
  it('cause 50 downloads, each byte read once, and get 1,000 leases', async () => {
    const world = createAgentWorld({ capacity: 1_000_000 });
    const agent = await world.boot();
    const blobs = Array.from({ length: 50 }, (_, seed) => world.addBlob(2 * PART, seed + 1));
    const names = blobs.map((blob, at) => {
      world.publish(`v${at}`, { [`file-${at}`]: blob }, SemVer.parse(`1.0.${at}`));
      return `v${at}`;
    });
    const before = world.counters.rangeReads;
    const asked = Array.from({ length: 1000 }, (_, at) =>
      agent.models.ensure(ModelName.parse('tiny'), names[(at * 7) % 50] ?? '', 1000),
    );
    const answers = await Promise.all(asked);
    expect(answers.filter(({ outcome }) => outcome === 'ready')).toHaveLength(1000);
    // Each download: its manifest, then 128 bytes in ranges of 32.
    expect(world.counters.rangeReads - before).toBe(50 * (1 + 4));
    expect(agent.store.leases.active()).toBe(1000);
    await agent.settled();
    expect(world.sent.receipts.filter(({ type }) => type === 'prefetch')).toHaveLength(50);
  });
});
