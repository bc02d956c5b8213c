import { describe, expect, it } from 'vitest';
import { AccessMonthRow, ServiceLevelRow } from '../../lib/catalog/index.ts';
import { replayPlacement } from '../../lib/fleet/index.ts';
import { compileRates, PLACEMENT_BY_DOLLARS } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { ModelName } from '../../lib/shared/ids.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { createFleetWorld, digestOf, type FleetWorld } from '../support/fleetWorld.ts';

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
