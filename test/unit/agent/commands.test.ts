import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { LEDGER_PATH } from '../../../agent/nvme/paths.ts';
import { blobKey } from '../../../lib/shared/digest.ts';
import { HostId } from '../../../lib/shared/ids.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { Bytes } from '../../../lib/shared/units.ts';
import { createMemDisk, type MemDisk } from '../../support/memDisk.ts';
import { type AgentWorld, createAgentWorld, HOST } from './agentWorld.ts';

async function started(options?: Parameters<typeof createAgentWorld>[0]): Promise<{ world: AgentWorld; agent: Agent }> {
  const world = createAgentWorld(options);
  return { world, agent: await world.boot() };
}

const lastReceipt = (world: AgentWorld) => world.sent.receipts.at(-1);

describe('a prefetch', () => {
  it('puts the verified blob under its name and into the view, and reports what was measured', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    const actionId = world.command(world.prefetchOf(blob));
    await world.work(agent);
    const path = `blobs/${blob.digest.slice(0, 2)}/${blob.digest}`;
    expect(await world.disk.read(path, 0, 1000)).toEqual(blob.bytes);
    expect((await world.disk.readLinks('models')).get('models/checkpoints/tiny/1.0.0/model.safetensors')).toBe(
      `../../../../${path}`,
    );
    expect((await world.disk.readLinks('models')).get('models/checkpoints/model.safetensors')).toBe(`../../${path}`);
    expect(lastReceipt(world)).toMatchObject({
      actionId,
      host: HOST,
      type: 'prefetch',
      digest: blob.digest,
      outcome: 'done',
      code: 'ok',
      measured: { bytesBefore: 0, bytesAfter: 300, usedBytes: 300, capacityBytes: 10_000 },
    });
    expect(await world.waiting()).toBe(0);
  });

  it('that cannot write a further name down leaves the copy that somebody leases', async () => {
    const disk = createMemDisk({ totalBytes: 2 ** 30 });
    let full = false;
    const write: MemDisk['write'] = async (path, offset, bytes) => {
      if (full && path === 'state/ledger') {
        full = false;
        throw new DiskError('no-space', 'the volume is full');
      }
      return disk.write(path, offset, bytes);
    };
    const { world, agent } = await started({ disk: { ...disk, write } });
    const blob = world.addBlob(300);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    expect(await agent.store.lease([blob.digest])).toBeDefined();
    world.command(world.prefetchOf(blob, 'other.safetensors'));
    full = true;
    await world.work(agent);
    expect(full).toBe(false);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'failed', code: 'no-room', measured: { bytesAfter: 300 } });
    expect(await disk.read(`blobs/${blob.digest.slice(0, 2)}/${blob.digest}`, 0, 1000)).toEqual(blob.bytes);
    expect(agent.store.residents()).toEqual([blob.digest]);
  });

  it('of an empty blob works like any other', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(0);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'done', code: 'ok', measured: { bytesAfter: 0 } });
    expect((await world.disk.stat(`blobs/${blob.digest.slice(0, 2)}/${blob.digest}`))?.size).toBe(0);
  });

  it('of a resident blob moves no byte', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    const reads = world.counters.rangeReads;
    world.command(world.prefetchOf(blob, 'other-name.safetensors'));
    await world.work(agent);
    expect(world.counters.rangeReads).toBe(reads);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'done', code: 'already-resident' });
    expect((await world.disk.readLinks('models')).has('models/checkpoints/tiny/1.0.0/other-name.safetensors')).toBe(
      true,
    );
  });

  it.each([
    ['is cut short by a byte', (bytes: Uint8Array) => bytes.slice(0, -1), 'origin-unavailable'],
    ['has one wrong bit', (bytes: Uint8Array) => bytes.with(4, (bytes[4] ?? 0) ^ 1), 'wrong-bytes'],
  ])('whose origin %s leaves nothing behind and fails once', async (_, damage, code) => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    world.hooks.damage = (key, bytes, offset) => (key === blobKey(blob.digest) && offset >= 96 ? damage(bytes) : bytes);
    world.command(world.prefetchOf(blob));
    await agent.pollOnce();
    const work = agent.settled();
    for (let wait = 0; wait < 40; wait += 1) await world.clock.advance(60_000);
    await work;
    expect(world.sent.receipts).toHaveLength(1);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'failed', code, measured: { bytesAfter: 0, usedBytes: 0 } });
    expect(await world.bytesOnDisk()).toBe(0);
    expect(await world.waiting()).toBe(0);
  });

  it.each([
    ['blob', 'origin-absent', (world: AgentWorld, key: string) => world.removeObject(key)],
    ['manifest', 'origin-absent', (world: AgentWorld, key: string) => world.removeObject(`${key}.parts`)],
    [
      'true manifest',
      'wrong-bytes',
      (world: AgentWorld, key: string) => world.replaceObject(`${key}.parts`, Buffer.from('{}')),
    ],
  ])('without its %s fails as %s', async (_, code, spoil) => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    spoil(world, blobKey(blob.digest));
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'failed', code });
    expect(await world.bytesOnDisk()).toBe(0);
  });

  it('that does not fit beside what is pinned is refused before a byte moves', async () => {
    const { world, agent } = await started({ capacity: 500 });
    const pinned = world.addBlob(300);
    world.command(world.prefetchOf(pinned));
    await world.work(agent);
    world.command({ type: 'pin', digest: pinned.digest });
    await world.work(agent);
    world.command(world.prefetchOf(world.addBlob(201)));
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'failed', code: 'no-room', measured: { usedBytes: 300 } });
  });

  it('evicts what is worth least, and tells the plane what that was weighed against', async () => {
    const { world, agent } = await started({ capacity: 700 });
    const [old, used, next] = [world.addBlob(300, 1), world.addBlob(300, 2), world.addBlob(300, 3)];
    for (const blob of [used, old, next]) {
      world.command(world.prefetchOf(blob, `m-${blob.digest.slice(0, 8)}`));
      await world.work(agent);
      for (let times = 0; times < 5; times += 1) agent.store.accessed(used.digest);
    }
    expect(agent.store.residents()).toEqual([used.digest, next.digest]);
    const eviction = world.sent.receipts.find((receipt) => receipt.type === 'evict');
    expect(eviction).toMatchObject({
      origin: 'local',
      digest: old.digest,
      outcome: 'done',
      measured: { bytesBefore: 300, bytesAfter: 0, usedBytes: 300 },
      choice: {
        policy: 'strata',
        judge: 'model',
        roomFor: next.digest,
        evicted: { digest: old.digest, bytes: 300, uses: 1, accessesAgo: 6, missSeconds: 0.3, missUsd: 0.0003 },
        next: [{ digest: used.digest, uses: 11, accessesAgo: 1 }],
      },
    });
  });
});

describe('commands about a resident blob', () => {
  it('pin protects from evict, unpin ends that', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    for (const command of [
      world.prefetchOf(blob),
      { type: 'pin', digest: blob.digest } as const,
      { type: 'evict', digest: blob.digest } as const,
      { type: 'unpin', digest: blob.digest } as const,
      { type: 'evict', digest: blob.digest } as const,
      { type: 'evict', digest: blob.digest } as const,
      { type: 'pin', digest: blob.digest } as const,
    ]) {
      world.command(command);
      await world.work(agent);
    }
    expect(world.sent.receipts.map(({ type, outcome, code }) => `${type} ${outcome} ${code}`)).toEqual([
      'prefetch done ok',
      'pin done ok',
      'evict failed pinned',
      'unpin done ok',
      'evict done ok',
      'evict done already-absent',
      'pin failed not-resident',
    ]);
    expect((await world.disk.readLinks('models')).has('models/checkpoints/model.safetensors')).toBe(false);
    expect(await world.bytesOnDisk()).toBe(0);
    // Tools that listed a folder expect to find it.
    expect(await world.disk.list('models/checkpoints/tiny/1.0.0')).toEqual([]);
  });

  it('a lease protects from evict until it ends, and from the limit of a resize', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    world.publish('latest', { 'model.safetensors': blob });
    const ensured = await agent.models.ensure(world.NAME, 'latest', 1000);
    if (ensured.outcome !== 'ready') throw new Error(ensured.outcome);
    world.command({ type: 'evict', digest: blob.digest });
    world.command({ type: 'resize', capacityBytes: Bytes.parse(50) });
    await world.work(agent);
    expect(world.sent.receipts.slice(-2).map(({ code }) => code)).toEqual(['leased', 'leased']);
    await agent.store.leases.release(ensured.lease);
    world.command({ type: 'resize', capacityBytes: Bytes.parse(50) });
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'done', measured: { usedBytes: 0, capacityBytes: 50 } });
  });

  it('verify finds a flipped bit: the copy leaves at once and is fetched again', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    world.command({ type: 'verify', digest: blob.digest });
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ type: 'verify', outcome: 'done', measured: { bytesAfter: 300 } });
    world.disk.flipBit(`blobs/${blob.digest.slice(0, 2)}/${blob.digest}`, 200);
    world.command({ type: 'verify', digest: blob.digest });
    await world.work(agent);
    await agent.settled();
    expect(world.sent.receipts.slice(-2)).toMatchObject([
      { type: 'verify', outcome: 'failed', code: 'corrupt', measured: { bytesBefore: 300, bytesAfter: 0 } },
      { type: 'prefetch', origin: 'local', outcome: 'done', measured: { bytesAfter: 300 } },
    ]);
    expect(await world.wrongBlobs()).toEqual([]);
    expect(agent.store.residents()).toEqual([blob.digest]);
  });
});

describe('commands about the whole store', () => {
  it('drain ends pins, keeps leased blobs until their leases end, and takes nothing new', async () => {
    const { world, agent } = await started();
    const [used, pinned] = [world.addBlob(100, 1), world.addBlob(100, 2)];
    world.publish('latest', { 'model.safetensors': used });
    const ensured = await agent.models.ensure(world.NAME, 'latest', 1000);
    if (ensured.outcome !== 'ready') throw new Error(ensured.outcome);
    world.command(world.prefetchOf(pinned, 'b'));
    await world.work(agent);
    world.command({ type: 'pin', digest: pinned.digest });
    await world.work(agent);
    world.command({ type: 'drain' });
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({
      type: 'drain',
      outcome: 'failed',
      code: 'leased',
      measured: { usedBytes: 100 },
    });
    world.command(world.prefetchOf(pinned, 'b'));
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'failed', code: 'draining' });
    expect((await agent.models.ensure(world.NAME, 'latest', 0)).outcome).not.toBe('ready');
    await agent.store.leases.release(ensured.lease);
    await agent.upkeepOnce();
    expect(await world.bytesOnDisk()).toBe(0);
    expect(await agent.heartbeatOnce()).toBe(true);
    expect(world.sent.heartbeats.at(-1)).toMatchObject({ draining: true, usedBytes: 0 });
  });

  it('resize refuses more than the volume has', async () => {
    const { world, agent } = await started({ volume: 2 ** 20 });
    world.command({ type: 'resize', capacityBytes: Bytes.parse(2 ** 21) });
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({
      outcome: 'failed',
      code: 'no-room',
      message: expect.stringMatching(/^The NVMe volumes have [\d.]+ (B|KiB|MiB) beside the headroom\.$/),
      measured: { capacityBytes: 10_000 },
    });
  });

  it('what a resize allowed is cut at the next start to what a volume that shrank since has, and told', async () => {
    const disk = createMemDisk({ totalBytes: 2 ** 20 });
    const full = await disk.space();
    let totalBytes = full.totalBytes;
    const shrinking = { ...disk, space: async () => ({ totalBytes, freeBytes: totalBytes }) };
    const world = createAgentWorld({ disk: shrinking });
    const agent = await world.boot();
    world.command({ type: 'resize', capacityBytes: Bytes.parse(2 ** 19) });
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'done', measured: { capacityBytes: 2 ** 19 } });
    await world.boot();
    const told = () => world.telemetry.records.filter(({ event }) => event === 'capacity-above-volume');
    expect(told()).toEqual([]);

    totalBytes = 2 ** 18;
    const small = await world.boot();
    expect(told()).toMatchObject([{ level: 'warn', fields: { capacityBytes: 2 ** 19 } }]);
    expect(await small.heartbeatOnce()).toBe(true);
    const { capacityBytes } = world.sent.heartbeats.at(-1) ?? expect.fail();
    expect(capacityBytes).toBeLessThanOrEqual(2 ** 18);
    expect(capacityBytes).toBe(told()[0]?.fields['mostBytes']);
    totalBytes = 2 ** 20;
    await world.boot();
    expect(told()).toHaveLength(1);
  });

  it.each(['once there is room', 'never'])(
    'what a resize allowed keeps no host from starting whose volume shrank below what it holds and takes a record %s',
    async (when) => {
      let totalBytes = 2 ** 20;
      const disk = createMemDisk({ totalBytes });
      const shrinking = {
        ...disk,
        space: async () => ({ totalBytes, freeBytes: Math.max(0, totalBytes - (await world.bytesOnDisk())) }),
        write: async (...asked: Parameters<typeof disk.write>) => {
          const isFull = when === 'never' ? totalBytes < 2 ** 20 : (await world.bytesOnDisk()) > totalBytes;
          if (isFull && asked[0] === LEDGER_PATH) throw new DiskError('no-space', 'The quota is used up.');
          return disk.write(...asked);
        },
      };
      const world = createAgentWorld({ disk: shrinking });
      const agent = await world.boot();
      const sizes = when === 'never' ? [100] : [5_000, 4_000];
      for (const size of sizes) world.command(world.prefetchOf(world.addBlob(size), String(size)));
      world.command({ type: 'resize', capacityBytes: Bytes.parse(2 ** 19) });
      await world.work(agent);
      totalBytes = 6_000;
      const again = await world.boot();
      expect(again.store.residents()).toHaveLength(1);
      const { capacityBytes } = await again.store.measures();
      expect(capacityBytes).toBe(when === 'never' ? 2 ** 19 : 6_000);
    },
  );

  it('report sends the list of residents', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(10);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    world.command({ type: 'report' });
    await world.work(agent);
    expect(world.sent.heartbeats.at(-1)).toMatchObject({ residents: [blob.digest], usedBytes: 10, sequence: 1 });
    expect(lastReceipt(world)).toMatchObject({ type: 'report', outcome: 'done' });
  });
});

describe('a command without the right to an effect', () => {
  const bad: [string, Parameters<AgentWorld['command']>[1]][] = [
    ['forged', { forged: true }],
    ['foreign', { host: HostId.parse('gpu-b') }],
    ['of an older generation', { generation: 9 }],
    ['expired', { ttlMs: -1 }],
  ];
  it.each(bad)('that is %s changes nothing', async (_, overrides) => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    world.command(world.prefetchOf(blob));
    await world.work(agent);
    const before = world.disk.tree().filter((line) => !line.startsWith('state/'));
    world.command({ type: 'evict', digest: blob.digest }, overrides);
    await world.work(agent);
    expect(world.disk.tree().filter((line) => !line.startsWith('state/'))).toEqual(before);
    expect(world.sent.receipts.filter((receipt) => receipt.outcome === 'done' && receipt.type === 'evict')).toEqual([]);
  });

  it.each([
    ['forged', { forged: true } as const, 1],
    ['foreign', { host: HostId.parse('gpu-b') }, 1],
    ['of an older generation', { generation: 9 }, 0],
    ['expired', { ttlMs: -1 }, 0],
  ])('that is %s stays for the dead letters only if it should not have come', async (_, overrides, left) => {
    const { world, agent } = await started();
    world.command({ type: 'drain' }, overrides);
    await world.work(agent);
    expect(await world.waiting()).toBe(left);
  });

  it('that is no command at all stays for the dead letters', async () => {
    const { world, agent } = await started();
    for (const body of ['{', '[]', '{"__proto__":1}', JSON.stringify({ schema: 'signed/1' })]) world.enqueue(body);
    await world.work(agent);
    expect(await world.waiting()).toBe(4);
    expect(world.sent.receipts).toEqual([]);
  });

  it('that is replayed has its one effect only, also after a restart', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    world.command(world.prefetchOf(blob), { actionId: 'first' });
    await world.work(agent);
    const evictBody = () => world.command({ type: 'evict', digest: blob.digest }, { actionId: 'evict-1' });
    evictBody();
    await world.work(agent);
    world.command(world.prefetchOf(blob), { actionId: 'second' });
    await world.work(agent);
    evictBody();
    await world.work(agent);
    world.crash();
    const again = await world.boot();
    evictBody();
    await world.work(again);
    expect(again.store.residents()).toEqual([blob.digest]);
    expect(world.sent.receipts.filter((receipt) => receipt.actionId === 'evict-1')).toHaveLength(1);
    expect(await world.waiting()).toBe(0);
  });

  it('that was decided before another about the same blob is superseded, in whatever order they arrive', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(100);
    const now = world.clock.now();
    world.command({ type: 'evict', digest: blob.digest }, { issuedAt: now });
    await world.work(agent);
    world.command(world.prefetchOf(blob), { issuedAt: now - 1 });
    await world.work(agent);
    expect(lastReceipt(world)).toMatchObject({ outcome: 'refused', code: 'superseded' });
    expect(agent.store.residents()).toEqual([]);
  });
});

describe('evict and fill of one blob', () => {
  it('race without a half: the running fill ends as superseded and nothing stays', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    const gate = Promise.withResolvers<void>();
    world.hooks.beforeRead = (key) => (key === blobKey(blob.digest) ? gate.promise : Promise.resolve());
    world.command(world.prefetchOf(blob));
    await agent.pollOnce();
    await world.clock.advance(10);
    world.command({ type: 'evict', digest: blob.digest });
    const poll = agent.pollOnce();
    await world.clock.advance(10);
    gate.resolve();
    await poll;
    await agent.settled();
    expect(world.sent.receipts.map(({ type, outcome, code }) => `${type} ${outcome} ${code}`).sort()).toEqual([
      'evict done ok',
      'prefetch failed superseded',
    ]);
    expect(await world.bytesOnDisk()).toBe(0);
  });

  it('a command that is delivered again while it runs runs once', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    const gate = Promise.withResolvers<void>();
    world.hooks.beforeRead = (key) => (key === blobKey(blob.digest) ? gate.promise : Promise.resolve());
    world.command(world.prefetchOf(blob));
    await agent.pollOnce();
    world.redeliver();
    await agent.pollOnce();
    gate.resolve();
    await agent.settled();
    expect(world.sent.receipts).toHaveLength(1);
    expect(await world.waiting()).toBe(0);
  });

  it('a long command keeps its message to itself', async () => {
    const { world, agent } = await started();
    const blob = world.addBlob(300);
    const gate = Promise.withResolvers<void>();
    world.hooks.beforeRead = (key) => (key === blobKey(blob.digest) ? gate.promise : Promise.resolve());
    world.command(world.prefetchOf(blob));
    await agent.pollOnce();
    for (let minute = 0; minute < 20; minute += 1) {
      await world.clock.advance(10_000);
      await agent.upkeepOnce();
      expect(await agent.pollOnce()).toBe(0);
    }
    gate.resolve();
    await agent.settled();
    expect(await world.waiting()).toBe(0);
  });
});
