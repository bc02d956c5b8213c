import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { createAgentWorld, testBlob, type AgentWorld } from './agentWorld.ts';
import { seededCoin } from '../../support/seededCoin.ts';

/*
 * A crash after every single call that changes the disk: the process dies (what it wrote stays), or the power goes (what is not
 * synced goes, or some of it by a seed). Then another incarnation works on what is left.
 */
type Death = 'process' | 'power';

const NOTHING = () => false;
/** Ways to die at each call. */
const WAYS: Readonly<Record<Death, number>> = { process: 1, power: 2 };

interface Outcome {
  readonly calls: number;
  readonly world: AgentWorld;
}

async function settle(world: AgentWorld): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await world.clock.advance(1);
}

/** Runs `script` in a first life that ends at `call`, then lives on until its queue is empty. Counts calls when `call` is 0. */
async function liveTwice(death: Death, call: number, script: (world: AgentWorld) => void, life = 0): Promise<Outcome> {
  const world = createAgentWorld({ capacity: 700 });
  world.crashAtCall(call === 0 ? Number.POSITIVE_INFINITY : call);
  const firstLife = async () => {
    const agent = await world.boot();
    script(world);
    for (let poll = 0; poll < 3; poll += 1) await world.work(agent);
  };
  await Promise.race([firstLife(), settle(world)]);
  const { calls } = world.counters;
  if (call === 0) return { calls, world };
  world.crash();
  if (death === 'power') world.disk.powerCut(life % 2 === 0 ? NOTHING : seededCoin(life));
  world.crashAtCall(Number.POSITIVE_INFINITY);
  return { calls, world };
}

const links = (world: AgentWorld) => world.disk.tree().filter((line) => line.includes(' -> '));

async function checkWhatIsLeft(world: AgentWorld): Promise<void> {
  expect(await world.wrongBlobs()).toEqual([]);
  expect(await world.bytesOnDisk()).toBeLessThanOrEqual(700);
}

async function liveOn(world: AgentWorld, script: (world: AgentWorld) => void): Promise<Agent> {
  const agent = await world.boot();
  if (world.counters.actions === 0) script(world);
  for (let poll = 0; poll < 3; poll += 1) {
    world.redeliver();
    await world.work(agent);
    await checkWhatIsLeft(world);
  }
  await agent.flushReceiptsOnce();
  expect(await world.waiting()).toBe(0);
  return agent;
}

describe.each(['process', 'power'] as const)(
  'when the %s dies at any call of a prefetch that must evict first',
  (death) => {
    const [old, fresh] = [testBlob(300, 1), testBlob(420, 2)];
    const script = (world: AgentWorld) => {
      world.addBlob(300, 1);
      world.addBlob(420, 2);
      const now = world.clock.now();
      world.command(world.prefetchOf(old, 'old'), { actionId: 'old', issuedAt: now });
      world.command(world.prefetchOf(fresh, 'fresh'), { actionId: 'fresh', issuedAt: now + 1 });
      world.command({ type: 'pin', digest: fresh.digest }, { actionId: 'pin', issuedAt: now + 2 });
    };

    it('no partial blob is ever visible, the budget holds, and each command ends with one receipt', async () => {
      const { calls } = await liveTwice(death, 0, script);
      expect(calls).toBeGreaterThan(60);
      for (let life = 1; life <= WAYS[death] * calls; life += 1) {
        const call = Math.ceil(life / WAYS[death]);
        const { world } = await liveTwice(death, call, script, life);
        await checkWhatIsLeft(world);
        const agent = await liveOn(world, script);
        const residents = agent.store.residents();
        expect(residents.length, `died at call ${call}`).toBe(1);
        const receipts = world.sent.receipts.filter((receipt) => receipt.origin === 'command');
        const ends = new Map(receipts.map((receipt) => [receipt.actionId, `${receipt.outcome} ${receipt.code}`]));
        expect([...ends.keys()].toSorted(), `died at call ${call}`).toEqual(['fresh', 'old', 'pin']);
        // A receipt may be sent again after a crash; it must then say the same.
        for (const { actionId, outcome, code } of receipts) expect(`${outcome} ${code}`).toBe(ends.get(actionId));
        for (const entry of await world.disk.list('staging'))
          expect.fail(`died at call ${call}: ${entry} stays staged`);
      }
    });
  },
);

describe.each(['process', 'power'] as const)('when the %s dies at any call of an eviction', (death) => {
  const blob = testBlob(300, 1);
  const script = (world: AgentWorld) => {
    world.addBlob(300, 1);
    const now = world.clock.now();
    world.command(world.prefetchOf(blob), { actionId: 'in', issuedAt: now });
    world.command({ type: 'evict', digest: blob.digest }, { actionId: 'out', issuedAt: now + 1 });
  };

  it('the blob is whole or gone, and gone in the end', async () => {
    const { calls } = await liveTwice(death, 0, script);
    for (let life = 1; life <= WAYS[death] * calls; life += 1) {
      const call = Math.ceil(life / WAYS[death]);
      const { world } = await liveTwice(death, call, script, life);
      await checkWhatIsLeft(world);
      const agent = await liveOn(world, script);
      expect(agent.store.residents(), `died at call ${call}`).toEqual([]);
      expect(await world.bytesOnDisk(), `died at call ${call}`).toBe(0);
      expect(links(world), `died at call ${call}`).toEqual([]);
      expect((await agent.store.measures()).usedBytes).toBe(0);
    }
  });
});

describe('a fill that died half-way', () => {
  it('continues with the parts that were verified', async () => {
    const world = createAgentWorld();
    const blob = world.addBlob(640);
    let reads = 0;
    const gate = new Promise<void>(() => undefined);
    world.hooks.beforeRead = async (key, offset) => {
      if (key.endsWith('.parts')) return;
      reads += 1;
      if (offset >= 320) await gate;
    };
    const agent = await world.boot();
    world.command(world.prefetchOf(blob));
    await agent.pollOnce();
    await settle(world);
    expect(agent.store.blob(blob.digest)?.parts.size).toBe(5);
    world.crash();
    reads = 0;
    world.hooks.beforeRead = async (key) => {
      if (!key.endsWith('.parts')) reads += 1;
    };
    const again = await world.boot();
    expect(again.store.rebuilt).toMatchObject({ partial: 1, resident: 0 });
    expect((await again.store.measures()).reservedBytes).toBe(640);
    world.redeliver();
    await world.work(again);
    // Five parts of 64 bytes in ranges of 32.
    expect(reads).toBe(10);
    expect(world.sent.receipts.at(-1)).toMatchObject({ outcome: 'done', code: 'ok' });
    expect(await world.wrongBlobs()).toEqual([]);
  });

  it('gives its bytes back when nobody continues it', async () => {
    const world = createAgentWorld();
    const blob = world.addBlob(640);
    const gate = new Promise<void>(() => undefined);
    world.hooks.beforeRead = (_, offset) => (offset >= 320 ? gate : Promise.resolve());
    const agent = await world.boot();
    world.command(world.prefetchOf(blob));
    await agent.pollOnce();
    await settle(world);
    world.crash();
    const again = await world.boot();
    for (let step = 0; step < 4; step += 1) {
      await again.upkeepOnce();
      await world.clock.advance(9_000);
    }
    expect((await again.store.measures()).usedBytes).toBe(0);
    expect(await world.bytesOnDisk()).toBe(0);
  });

  it('makes room for a blob that is wanted now', async () => {
    const world = createAgentWorld({ capacity: 700 });
    const [half, wanted] = [world.addBlob(640, 1), world.addBlob(300, 2)];
    const gate = new Promise<void>(() => undefined);
    world.hooks.beforeRead = (_, offset) => (offset >= 320 ? gate : Promise.resolve());
    const agent = await world.boot();
    world.command(world.prefetchOf(half));
    await agent.pollOnce();
    await settle(world);
    world.crash();
    const again = await world.boot();
    world.command(world.prefetchOf(wanted));
    await world.work(again);
    expect(again.store.residents()).toEqual([wanted.digest]);
  });
});

describe('a ledger', () => {
  async function withOneBlob() {
    const world = createAgentWorld();
    const blob = world.addBlob(300);
    world.publish('latest', { 'model.safetensors': blob });
    const agent = await world.boot();
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    world.crash();
    return { world, blob };
  }

  it('that is lost is rebuilt from the disk: nothing is served before it is hashed again', async () => {
    const { world, blob } = await withOneBlob();
    await world.disk.remove('state/ledger');
    const agent = await world.boot();
    expect(agent.store.rebuilt).toMatchObject({ resident: 0, unchecked: 1 });
    expect(agent.store.residents()).toEqual([]);
    expect(links(world)).toEqual([]);
    expect((await agent.store.measures()).usedBytes).toBe(300);
    const reads = world.counters.rangeReads;
    const ensured = await agent.models.ensure(world.NAME, 'latest', 1000);
    expect(ensured.outcome).toBe('ready');
    expect(world.counters.rangeReads).toBe(reads);
    expect(agent.store.residents()).toEqual([blob.digest]);
  });

  it('that is lost together with a bit of the blob fetches it again', async () => {
    const { world, blob } = await withOneBlob();
    await world.disk.remove('state/ledger');
    world.disk.flipBit(`blobs/${blob.digest.slice(0, 2)}/${blob.digest}`, 7);
    const agent = await world.boot();
    const reads = world.counters.rangeReads;
    expect((await agent.models.ensure(world.NAME, 'latest', 1000)).outcome).toBe('ready');
    expect(world.counters.rangeReads).toBeGreaterThan(reads);
    expect(await world.wrongBlobs()).toEqual([]);
  });

  it('with a damaged line in the middle distrusts every blob', async () => {
    const { world } = await withOneBlob();
    world.disk.flipBit('state/ledger', 12);
    const agent = await world.boot();
    expect(agent.store.rebuilt).toMatchObject({ resident: 0, unchecked: 1 });
    const scrub = agent.scrubOnce();
    await settle(world);
    expect(await scrub).toBe(true);
    expect(agent.store.residents()).toHaveLength(1);
  });

  it('with a torn last line loses only what nobody was told', async () => {
    const { world, blob } = await withOneBlob();
    const size = (await world.disk.stat('state/ledger'))?.size ?? 0;
    await world.disk.write('state/ledger', size, Buffer.from('0badc0de [{"is":"gone","dig'));
    const agent = await world.boot();
    expect(agent.store.residents()).toEqual([blob.digest]);
    world.command({ type: 'evict', digest: blob.digest });
    await world.work(agent);
    world.crash();
    expect((await world.boot()).store.residents()).toEqual([]);
  });

  it('whose blob was deleted behind its back does not serve it', async () => {
    const { world, blob } = await withOneBlob();
    await world.disk.remove(`blobs/${blob.digest.slice(0, 2)}/${blob.digest}`);
    const agent = await world.boot();
    expect(agent.store.residents()).toEqual([]);
    expect((await agent.store.measures()).usedBytes).toBe(0);
  });
});
