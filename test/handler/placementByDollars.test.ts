import { describe, expect, it } from 'vitest';
import type { CommandReceipt } from '../../events/command-receipt/v1.ts';
import type { HostCommand } from '../../events/host-command/v1.ts';
import { AccessMonthRow, ServiceLevelRow } from '../../lib/catalog/index.ts';
import { replayPlacement } from '../../lib/fleet/index.ts';
import { compileRates, PLACEMENT_BY_DOLLARS } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { ModelName } from '../../lib/shared/ids.ts';
import type { PlacementPolicyName } from '../../lib/shared/placementPolicyName.ts';
import { Bytes, DAY_MS, GIB, HOUR_MS, MINUTE_MS, Usd } from '../../lib/shared/units.ts';
import {
  actionId,
  correlationId,
  createFleetWorld,
  digestOf,
  type FleetWorld,
  version,
} from '../support/fleetWorld.ts';

/** Hosts that all subscribe to the same models. */
async function worldWith(
  names: readonly string[],
  subscriptions: readonly string[],
  labels: Record<string, string> = {},
): Promise<FleetWorld> {
  const world = createFleetWorld(undefined, 'dollars');
  for (const name of names) {
    const host = await world.addHost(name, { subscriptions: [...subscriptions], labels });
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
  }
  await world.run();
  return world;
}

async function sayReads(world: FleetWorld, name: string, readsPerDay: number): Promise<void> {
  const model = ModelName.parse(name);
  await world.catalog.transact([ServiceLevelRow.put({ model, readsPerDay, updatedAt: world.clock.now() }, 'absent')]);
}

/** So many accesses of a blob on each of the last days. */
async function used(world: FleetWorld, letter: string, days: number, readsPerDay: number): Promise<void> {
  const now = world.clock.now();
  const months = new Map<string, Record<string, number>>();
  for (let back = 0; back < days; back += 1) {
    const day = new Date(now - back * DAY_MS).toISOString();
    const month = months.get(day.slice(0, 7)) ?? {};
    months.set(day.slice(0, 7), { ...month, [day.slice(8, 10)]: readsPerDay });
  }
  const digest = digestOf(letter);
  for (const [month, counts] of months) {
    await world.catalog.transact([
      AccessMonthRow.put({ digest, shard: 0, month, days: counts, hits: 0, lastAt: now }, 'absent'),
    ]);
  }
}

const place = async (world: FleetWorld, number: string, letter: string): Promise<readonly string[]> => {
  await world.deliver('placement', await world.publish('sdxl', number, { 'sdxl.safetensors': letter }));
  return (await world.run()).map(({ host }) => host).toSorted();
};

describe('placing by dollars', () => {
  it('fetches ahead of use where the waits of a known demand cost more than the space, and keeps a receipt that replays', async () => {
    const world = await worldWith(['gpu-a', 'gpu-b'], ['sdxl*']);
    await sayReads(world, 'sdxl', 2000);
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    const commands = await world.run();
    expect(commands.map(({ host }) => host).toSorted()).toEqual(['gpu-a', 'gpu-b']);
    const action = await world.action(commands[0]!.actionId);
    const rates = compileRates(shippedPriceBook());
    expect(action).toMatchObject({
      reason: 'expected-saving',
      policy: `placement-dollars-2 ${rates.prices.id}`,
    });
    const [prefetch, none] = action!.alternatives;
    expect(prefetch!.usd).toBeLessThan(none!.usd);
    const replayed = replayPlacement(action!.inputs, PLACEMENT_BY_DOLLARS, rates);
    expect(replayed).toMatchObject({ kind: 'prefetch', reason: 'expected-saving' });
    expect(replayed?.alternatives.map(({ kind, usd }) => ({ action: kind, usd }))).toEqual(action?.alternatives);
  });

  it.each([
    ['the GPU that the host says it has', { gpu: 'L4' }, 'L4'],
    ['an H100 where the book has no price for that', { gpu: 'abacus' }, 'H100'],
    ['an H100 where that is no price but a property of objects', { gpu: 'constructor' }, 'H100'],
    ['an H100 where it says nothing', {}, 'H100'],
  ])('lets %s wait, and the receipt tells which', async (_name, labels, gpu) => {
    const world = await worldWith(['gpu-a'], ['sdxl*'], labels);
    await sayReads(world, 'sdxl', 5000);
    await world.deliver('placement', await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' }));
    const [command] = await world.run();
    const { inputs } = (await world.action(command!.actionId))!;
    expect(JSON.parse(inputs).host).toMatchObject({ gpu, keepsFetched: true });
  });

  it('shares the demand among the hosts that subscribe: with ten times the hosts none of them fetches', async () => {
    const few = await worldWith(['gpu-a'], ['sdxl']);
    await sayReads(few, 'sdxl', 200);
    expect(await place(few, '1.0.0', 'a')).toEqual(['gpu-a']);
    const many = await worldWith(
      Array.from({ length: 10 }, (_, index) => `gpu-${index}`),
      ['sdxl'],
    );
    await sayReads(many, 'sdxl', 200);
    expect(await place(many, '1.0.0', 'a')).toEqual([]);
    expect(many.counted('PlacementDecided', 'no-expected-saving')).toBe(10);
  });

  it('learns the demand from accesses, those of the version before it where a new one has none', async () => {
    const world = await worldWith(['gpu-a'], ['sdxl']);
    expect(await place(world, '1.0.0', 'a')).toEqual([]);
    expect(world.counted('PlacementDecided', 'no-forecast')).toBe(1);
    await used(world, 'a', 20, 400);
    expect(await place(world, '1.1.0', 'b')).toEqual(['gpu-a']);
  });

  it('leaves a host alone that does not subscribe, whatever it would save', async () => {
    const world = await worldWith(['gpu-a'], ['flux']);
    await sayReads(world, 'sdxl', 5000);
    expect(await place(world, '1.0.0', 'a')).toEqual([]);
    expect(world.counted('PlacementDecided', 'no-forecast')).toBe(1);
  });
});

describe('what a host lets go of by itself', () => {
  const measured = (bytesBefore: number, bytesAfter: number): CommandReceipt['measured'] => ({
    bytesBefore: Bytes.parse(bytesBefore),
    bytesAfter: Bytes.parse(bytesAfter),
    usedBytes: Bytes.parse(bytesAfter),
    capacityBytes: Bytes.parse(100 * GIB),
  });

  /** One host, and a model of one file of which every sweep has it asked whether to hold it. */
  async function swept(policy: PlacementPolicyName = 'dollars') {
    const world = createFleetWorld(undefined, policy);
    const host = await world.addHost('gpu-a', { subscriptions: ['sdxl'] });
    await world.deliver('heartbeats', host.heartbeat({ residents: [] }));
    await sayReads(world, 'sdxl', 2000);
    await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' });
    let [receipts, uses] = [0, 0];

    async function sweep(): Promise<HostCommand | undefined> {
      const model = ModelName.parse('sdxl');
      await world.deliver('placement', {
        schema: 'place-model/1',
        model,
        version: version('1.0.0'),
        correlationId,
      });
      const commands = await world.run();
      return commands.find(({ command }) => command.type === 'prefetch');
    }

    /** The host fetches it, processes use it so often there, and it lets go of it. */
    async function letGo(command: HostCommand, used = 0): Promise<void> {
      await world.deliver('receipts', host.receipt(command));
      uses += 1 + used;
      await evict(command);
    }

    async function evict(command: HostCommand): Promise<void> {
      const evicted = {
        digest: digestOf('a'),
        bytes: Bytes.parse(GIB),
        missSeconds: 2,
        missUsd: Usd.parse(0.002),
        uses,
        accessesAgo: 3,
        useOdds: 0.1,
      };
      const choice = { policy: 'strata', judge: 'model', reason: 'guest' as const, evicted, next: [] };
      const local = { origin: 'local', type: 'evict', choice, measured: measured(GIB, 0) } as const;
      receipts += 1;
      await world.deliver('receipts', host.receipt(command, { ...local, actionId: actionId(`local-${receipts}`) }));
      expect(await world.replica('a', 'gpu-a')).toBeUndefined();
    }

    /** A process asks for it, so that the host fetches it. */
    async function ask(command: HostCommand): Promise<void> {
      receipts += 1;
      uses += 1;
      const local = { origin: 'local', actionId: actionId(`local-${receipts}`) } as const;
      await world.deliver('receipts', host.receipt(command, { ...local, digest: digestOf('a'), type: 'prefetch' }));
    }

    /** On which of the days from now on a daily sweep has it fetched, where the host lets go of it each time. */
    async function fetchDays(days: number, used = 0): Promise<readonly number[]> {
      const fetched: number[] = [];
      for (let day = 0; day < days; day += 1) {
        const command = await sweep();
        if (command !== undefined) {
          fetched.push(day);
          await letGo(command, used);
        }
        await world.clock.advance(DAY_MS);
      }
      return fetched;
    }

    return { ask, evict, fetchDays, host, letGo, sweep, world };
  }

  it('is fetched there for savings after pauses that double, not by every sweep', async () => {
    const { fetchDays, world } = await swept();
    expect(await fetchDays(64)).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect(world.counted('PlacementDecided', 'evicted-by-host')).toBe(57);
  });

  it('is paused for a day each time where processes have used it meanwhile', async () => {
    const { fetchDays } = await swept();
    expect(await fetchDays(5, 1)).toEqual([0, 1, 2, 3, 4]);
  });

  it('is paused for a day again after a process has had it fetched', async () => {
    const { ask, evict, fetchDays, sweep, letGo, world } = await swept();
    const command = await sweep();
    await letGo(command!);
    await world.clock.advance(DAY_MS);
    await letGo((await sweep())!);
    await world.clock.advance(HOUR_MS);
    await ask(command!);
    await evict(command!);
    expect(await sweep()).toBeUndefined();
    await world.clock.advance(DAY_MS);
    expect(await fetchDays(1)).toEqual([0]);
  });

  it('comes back at once where a subscription promises it', async () => {
    const { fetchDays } = await swept('subscriptions');
    expect(await fetchDays(4)).toEqual([0, 1, 2, 3]);
  });

  it('comes back when the host has more room than it had then', async () => {
    const { host, letGo, sweep, world } = await swept();
    await letGo((await sweep())!);
    await world.clock.advance(MINUTE_MS);
    expect(await sweep()).toBeUndefined();
    await world.deliver('heartbeats', host.heartbeat({ capacityBytes: Bytes.parse(200 * GIB) }));
    expect(await sweep()).toMatchObject({ command: { type: 'prefetch' } });
  });

  it('is no word of the host where its volume failed or somebody commanded it', async () => {
    const { host, sweep, world } = await swept();
    const command = (await sweep())!;
    await world.deliver('receipts', host.receipt(command));
    const lost = { origin: 'local', type: 'evict', code: 'disk-error', measured: measured(GIB, 0) } as const;
    await world.clock.advance(MINUTE_MS);
    await world.deliver('receipts', host.receipt(command, { ...lost, actionId: actionId('local-lost') }));
    expect(await sweep()).toMatchObject({ command: { type: 'prefetch' } });
  });
});
