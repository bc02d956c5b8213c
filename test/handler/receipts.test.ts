import { describe, expect, it } from 'vitest';
import type { CommandReceipt, Demotion, EvictionChoice } from '../../events/command-receipt/v1.ts';
import { commandHost, signEnvelope } from '../../lib/fleet/index.ts';
import { EpochMs, Bytes, GIB, SECOND_MS, Usd } from '../../lib/shared/units.ts';
import { actionId, correlationId, createFleetWorld, digestOf, receiptFor } from '../support/fleetWorld.ts';

const GB1 = Bytes.parse(GIB);
const NONE = Bytes.parse(0);
const measured = (bytesBefore: number, bytesAfter: number): CommandReceipt['measured'] => ({
  bytesBefore: Bytes.parse(bytesBefore),
  bytesAfter: Bytes.parse(bytesAfter),
  usedBytes: Bytes.parse(bytesAfter),
  capacityBytes: Bytes.parse(100 * GIB),
});

/** One host with one prefetch commanded. */
async function commanded() {
  const world = createFleetWorld();
  const host = await world.addHost('gpu-a');
  await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
  await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
  const [command] = await world.run();
  await world.clock.advance(10 * SECOND_MS);
  return { world, host, command: command! };
}

/** One host that holds the blob. */
async function resident() {
  const given = await commanded();
  await given.world.deliver('receipts', given.host.receipt(given.command));
  await given.world.clock.advance(10 * SECOND_MS);
  return given;
}

describe('a receipt of a prefetch', () => {
  it('makes the copy verified, gives the promise back and ends the action with what was measured', async () => {
    const { world, host, command } = await commanded();
    await world.deliver('receipts', host.receipt(command));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified', bytes: GIB, pinned: false });
    expect(await world.host('gpu-a')).toMatchObject({ promisedBytes: 0, usedBytes: GIB });
    expect(await world.action(command.actionId)).toMatchObject({
      state: 'done',
      receipt: { measured: { bytesAfter: GIB } },
      outcome: { code: 'ok' },
    });
  });

  it('takes effect once however often it comes', async () => {
    const { world, host, command } = await commanded();
    const receipt = host.receipt(command);
    for (let times = 0; times < 3; times += 1) await world.deliver('receipts', receipt);
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(0);
    expect(world.counted('ReceiptSettled', 'as-measured')).toBe(1);
    expect(world.counted('ReceiptSettled', 'already-settled')).toBe(2);
  });

  it('is not done when fewer bytes are on the disk than the blob has', async () => {
    const { world, host, command } = await commanded();
    await world.deliver('receipts', host.receipt(command, { measured: measured(0, GIB - 1) }));
    expect(await world.action(command.actionId)).toMatchObject({ state: 'leaked' });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'unknown', bytes: GIB - 1 });
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(0);
  });

  it('fails once when the disk is full, and is decided anew when the origin could not be reached', async () => {
    const full = await commanded();
    const noRoom = { outcome: 'failed', code: 'no-room', measured: measured(0, 0) } as const;
    await full.world.deliver('receipts', full.host.receipt(full.command, noRoom));
    expect(await full.world.replica('a', 'gpu-a')).toBeUndefined();
    expect((await full.world.host('gpu-a'))?.promisedBytes).toBe(0);
    expect(await full.world.run()).toEqual([]);

    const { world, host, command } = await commanded();
    const lost = { outcome: 'failed', code: 'origin-unavailable', measured: measured(0, 0) } as const;
    let next = command;
    for (const attempt of [2, 3]) {
      await world.deliver('receipts', host.receipt(next, lost));
      const commands = await world.run();
      expect(commands).toHaveLength(1);
      next = commands[0]!;
      expect(await world.action(next.actionId)).toMatchObject({ attempt });
    }
    await world.deliver('receipts', host.receipt(next, lost));
    expect(await world.run()).toEqual([]);
  });

  it.each([
    [
      'by a key that is not the host’s',
      (receipt: CommandReceipt, world: { planeKey: { keyId: string; privateKey: string } }) =>
        signEnvelope(receipt, { ...world.planeKey, keyId: 'gpu-a.1' }),
    ],
    [
      'with a text changed after signing',
      (receipt: CommandReceipt, _world: unknown, key: { keyId: string; privateKey: string }) => {
        const envelope = signEnvelope(receipt, key);
        return { ...envelope, payload: envelope.payload.replace('"ok"', '"no"') };
      },
    ],
    [
      'by one host in the name of another',
      (receipt: CommandReceipt, _world: unknown, key: { keyId: string; privateKey: string }) =>
        signEnvelope({ ...receipt, host: 'gpu-b' }, key),
    ],
  ])('signed %s has no effect and ends in the dead-letter queue', async (_name, forge) => {
    const { world, host, command } = await commanded();
    const envelope = forge(receiptFor(command, world.clock.now()), world, host.key);
    const answer = await world.deliver('receipts', envelope);
    expect(answer.batchItemFailures).toHaveLength(1);
    expect(await world.action(command.actionId)).toMatchObject({ state: 'pending' });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'reserved' });
  });

  it('of an older generation has no effect', async () => {
    const { world, host, command } = await commanded();
    await world.addHost('gpu-a');
    await world.run();
    const answer = await world.deliver('receipts', host.receipt(command));
    expect(answer.batchItemFailures).toEqual([]);
    expect(world.counted('ReceiptSettled', 'stale-generation')).toBe(1);
    expect(await world.action(command.actionId)).toMatchObject({ state: 'superseded' });
    expect(await world.replica('a', 'gpu-a')).toBeUndefined();
  });

  it('about an action of another host, or of nobody, has no effect', async () => {
    const { world, command } = await commanded();
    const other = await world.addHost('gpu-b');
    const { host, generation } = other.session;
    await world.deliver('receipts', other.receipt({ ...command, host, generation }));
    await world.deliver('receipts', other.receipt({ ...command, host, generation, actionId: actionId('nobody-1') }));
    expect(world.counted('ReceiptSettled', 'other-command')).toBe(1);
    expect(world.counted('ReceiptSettled', 'unknown-action')).toBe(1);
    expect(await world.replica('a', 'gpu-b')).toBeUndefined();
  });
});

describe('a receipt of what a host did by itself', () => {
  it('records a copy that an inference process asked for, with an action that explains it', async () => {
    const { world, host, command } = await commanded();
    await world.publish('other', '1.0.0', { 'b.safetensors': 'b' });
    const local = { origin: 'local', actionId: actionId('local-1'), digest: digestOf('b') } as const;
    await world.deliver('receipts', host.receipt(command, local));
    await world.deliver('receipts', host.receipt(command, local));
    expect(await world.replica('b', 'gpu-a')).toMatchObject({ state: 'verified', versionId: 'b-v1' });
    expect(await world.action(local.actionId)).toMatchObject({ state: 'done', reason: 'asked-on-the-host' });
    expect(world.counted('ReceiptSettled', 'already-settled')).toBe(1);
    expect((await world.host('gpu-a'))?.promisedBytes).toBe(GIB);
  });

  it('says of an eviction who chose the blob and what was at stake in dollars, beside what would have left next', async () => {
    const { world, host, command } = await resident();
    const weighed = { bytes: GB1, missSeconds: 2, missUsd: Usd.parse(0.002), uses: 2, accessesAgo: 800, useOdds: 0.25 };
    const choice: EvictionChoice = {
      policy: 'strata',
      judge: 'model',
      reason: 'not-kept',
      evicted: { digest: digestOf('a'), ...weighed },
      next: [{ digest: digestOf('b'), ...weighed, useOdds: 0.5 }],
    };
    const local = { origin: 'local', actionId: actionId('local-4'), type: 'evict', choice } as const;
    await world.deliver('receipts', host.receipt(command, { ...local, measured: measured(GIB, 0) }));
    expect(await world.action(local.actionId)).toMatchObject({
      reason: 'not-kept',
      policy: 'strata/model',
      alternatives: [
        { action: 'evict', usd: 0.0005 },
        { action: 'evict bbbbbbbbbbbb', usd: 0.001 },
      ],
      receipt: { choice },
    });
  });

  it('says of a move down to SSD, and of an eviction in its stead, what each would have cost', async () => {
    const { world, host, command } = await resident();
    const demotion: Demotion = {
      reason: 'pays',
      storageClass: 'GLACIER_IR',
      missUsd: Usd.parse(0.04),
      ssdUsd: Usd.parse(0.008),
      useOdds: 0.5,
      writeUsd: Usd.parse(0.001),
      displacedUsd: Usd.parse(0.002),
    };
    const down = { origin: 'local', actionId: actionId('local-5'), type: 'demote', demotion } as const;
    await world.deliver('receipts', host.receipt(command, { ...down, measured: measured(GIB, GIB) }));
    const alternatives = [
      { action: 'demote', usd: expect.closeTo(0.007, 9) },
      { action: 'evict', usd: expect.closeTo(0.02, 9) },
    ];
    expect(await world.action(down.actionId)).toMatchObject({
      state: 'done',
      reason: 'pays',
      chosen: 'demote',
      alternatives,
    });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
    const gone = { ...down, actionId: actionId('local-6'), type: 'evict' } as const;
    const instead = { ...gone, demotion: { ...demotion, reason: 'costs-more' }, measured: measured(GIB, 0) } as const;
    await world.deliver('receipts', host.receipt(command, instead));
    expect(await world.action(gone.actionId)).toMatchObject({ reason: 'costs-more', chosen: 'evict', alternatives });
    expect(await world.replica('a', 'gpu-a')).toBeUndefined();
  });

  it('does not let a host claim commands that only the plane gives', async () => {
    const { world, host, command } = await resident();
    await world.deliver(
      'receipts',
      host.receipt(command, { origin: 'local', actionId: actionId('local-2'), type: 'pin' }),
    );
    expect(world.counted('ReceiptSettled', 'not-local')).toBe(1);
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ pinned: false });
  });

  it('that was measured before something newer changes nothing', async () => {
    const { world, host, command } = await resident();
    const evicted = {
      origin: 'local',
      actionId: actionId('local-3'),
      type: 'evict',
      finishedAt: EpochMs.parse(world.clock.now() - 15 * SECOND_MS),
      measured: measured(GIB, 0),
    } as const;
    await world.deliver('receipts', host.receipt(command, evicted));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
  });
});

describe('an operator’s command', () => {
  const ask = (
    world: Awaited<ReturnType<typeof resident>>['world'],
    type: 'pin' | 'unpin' | 'evict' | 'verify',
    dryRun = false,
  ) =>
    commandHost(world.deps, {
      host: 'gpu-a' as never,
      command: { type, digest: digestOf('a') },
      correlationId,
      dryRun,
    });

  it('evicts: the copy is marked before the command goes out, and gone when its bytes are', async () => {
    const { world, host } = await resident();
    expect(await ask(world, 'evict')).toMatchObject({ outcome: 'commanded' });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'evicting' });
    expect(await ask(world, 'evict')).toEqual({ outcome: 'refused', reason: 'busy' });
    const [command] = await world.run();
    expect(command?.command).toEqual({ type: 'evict', digest: digestOf('a') });
    await world.deliver('receipts', host.receipt(command!, { measured: measured(GIB, 0) }));
    expect(await world.replica('a', 'gpu-a')).toBeUndefined();
  });

  it('writes and sends nothing in a dry run', async () => {
    const { world } = await resident();
    expect(await ask(world, 'evict', true)).toMatchObject({ outcome: 'commanded' });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
    expect(await world.run()).toEqual([]);
  });

  it('leaves what is leased where it is, and says so', async () => {
    const { world, host } = await resident();
    await ask(world, 'evict');
    const [command] = await world.run();
    const leased = { outcome: 'failed', code: 'leased', measured: measured(GIB, GIB) } as const;
    await world.deliver('receipts', host.receipt(command!, leased));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'verified' });
    expect(await world.action(command!.actionId)).toMatchObject({ state: 'failed', outcome: { code: 'leased' } });
  });

  it('pins by receipt only, never evicts what is pinned, and unpins', async () => {
    const { world, host } = await resident();
    await ask(world, 'pin');
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ pinned: false });
    const [pin] = await world.run();
    await world.deliver('receipts', host.receipt(pin!, { measured: measured(GIB, GIB) }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ pinned: true });
    expect(await ask(world, 'evict')).toEqual({ outcome: 'refused', reason: 'pinned' });
    await ask(world, 'unpin');
    const [unpin] = await world.run();
    await world.deliver('receipts', host.receipt(unpin!, { measured: measured(GIB, GIB) }));
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ pinned: false });
  });

  it('verifies: corrupt bytes that were removed are placed again', async () => {
    const { world, host } = await resident();
    await ask(world, 'verify');
    const [verify] = await world.run();
    const corrupt = { outcome: 'failed', code: 'corrupt', measured: measured(GIB, 0) } as const;
    await world.deliver('receipts', host.receipt(verify!, corrupt));
    const [again] = await world.run();
    expect(again?.command).toMatchObject({ type: 'prefetch', digest: digestOf('a') });
    expect(await world.replica('a', 'gpu-a')).toMatchObject({ state: 'reserved' });
  });

  it('resizes, and looks again at what the host should hold', async () => {
    const { world, host } = await resident();
    await world.publish('big', '1.0.0', { 'b.safetensors': 'b' });
    await commandHost(world.deps, {
      host: host.id,
      command: { type: 'resize', capacityBytes: Bytes.parse(200 * GIB) },
      correlationId,
    });
    const [resize] = await world.run();
    const grown = { ...measured(GIB, GIB), capacityBytes: Bytes.parse(200 * GIB) };
    await world.deliver('receipts', host.receipt(resize!, { measured: grown }));
    expect(await world.host('gpu-a')).toMatchObject({ capacityBytes: 200 * GIB, usedBytes: GB1 });
    expect((await world.run()).map((command) => command.command.type)).toContain('prefetch');
  });

  it('drains: nothing more is placed at once, and the empty host is retired with its queue', async () => {
    const { world, host } = await resident();
    await commandHost(world.deps, { host: host.id, command: { type: 'drain' }, correlationId });
    expect(await world.host('gpu-a')).toMatchObject({ state: 'draining' });
    await world.deliver('placement', await world.publish('new', '1.0.0', { 'b.safetensors': 'b' }));
    expect((await world.run()).map((command) => command.command.type)).toEqual(['drain']);
    await world.deliver('heartbeats', host.heartbeat({ draining: true, usedBytes: NONE }));
    expect(await world.host('gpu-a')).toMatchObject({ state: 'retired' });
    await world.run();
    expect(await world.replica('a', 'gpu-a')).toBeUndefined();
    await expect(world.queues.send('host-gpu-a-1', [{ body: 'x' }])).rejects.toMatchObject({ code: 'no-such-queue' });
    expect(await ask(world, 'pin')).toEqual({ outcome: 'refused', reason: 'host-not-listening' });
  });
});
