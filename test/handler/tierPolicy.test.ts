import { describe, expect, it } from 'vitest';
import { AccessMonthRow, BlobRow, expectationOf, TierPolicyRow } from '../../lib/catalog/index.ts';
import { acceptTierPolicy, showTierPolicy } from '../../lib/operations/tierPolicy.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS } from '../../lib/shared/units.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

/** A plane that decided by dollars until now; from now on `rules` is configured. */
async function changedWorld() {
  const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
  const { digest } = await world.addBlob(1, 100);
  const row = (await BlobRow.get(world.catalog, digest))!;
  await world.catalog.transact([BlobRow.put({ ...row.value, size: Bytes.parse(10_000_000_000) }, expectationOf(row))]);
  await sweep(world);
  world.deps.settings.tierPolicy = 'rules';
  return { world, digest };
}

async function readNow(world: TieringWorld, digest: Digest): Promise<void> {
  const day = new Date(world.clock.now()).toISOString();
  const month = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0 };
  await world.catalog.transact([AccessMonthRow.put({ ...month, lastAt: world.clock.now() }, 'absent')]);
}

/** A day later: its messages are delivered twice; transitions are not made. */
async function sweep(world: TieringWorld): Promise<void> {
  await world.clock.advance(DAY_MS);
  await world.fireSweep();
  await world.fireSweep();
  for (let messages = await world.takeOutbox(); messages.length > 0; messages = await world.takeOutbox()) {
    for (const { queue, body } of messages) {
      if (queue !== 'sweep') continue;
      await world.deliver('sweep', body);
      await world.deliver('sweep', body);
    }
  }
}

const policyOf = async (world: TieringWorld) => (await TierPolicyRow.get(world.catalog))?.value;
const reasonsOf = async (world: TieringWorld, digest: Digest) =>
  (await world.actions(digest)).map(({ policy }) => policy.split(' ')[0]);

describe('a change of the policy of storage classes', () => {
  it('comes into force by the second sweep where it catches nothing in use', async () => {
    const { world } = await changedWorld();
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'dollars', change: { to: 'rules' } });
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules' });
    expect((await policyOf(world))?.change).toBeUndefined();
  });

  it('is refused while it would catch an object in use, with an error and a metric, and decides nothing meanwhile', async () => {
    const { world, digest } = await changedWorld();
    await readNow(world, digest);
    await sweep(world);
    await sweep(world);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({
      inForce: 'dollars',
      refused: { to: 'rules', reach: { objects: 1, changed: 1, caught: 1, examples: [digest] } },
    });
    expect((await reasonsOf(world, digest)).filter((policy) => policy !== 'dollars-1')).toEqual([]);
    const refusals = world.metrics.filter(({ name, value }) => name === 'TierPolicyRefused' && value === 1);
    expect(refusals).toHaveLength(2);
    expect((await showTierPolicy(world.catalog)).items).toMatchObject([{ inForce: 'dollars', wanted: 'rules' }]);
  });

  it('comes into force by the next sweep when an operator accepts it, and nothing else can be accepted', async () => {
    const { world, digest } = await changedWorld();
    await readNow(world, digest);
    await sweep(world);
    const { deps } = world;
    const wish = { policy: 'rules' as const, by: 'ada', dryRun: false };
    await expect(acceptTierPolicy(deps, { ...wish, policy: 'dollars' })).rejects.toMatchObject({
      code: 'nothing-to-accept',
    });
    await acceptTierPolicy(deps, { ...wish, dryRun: true });
    expect((await policyOf(world))?.accepted).toBeUndefined();
    expect(await acceptTierPolicy(deps, wish)).toMatchObject({ inForce: 'dollars', acceptedBy: 'ada' });
    await sweep(world);
    expect(await policyOf(world)).toEqual({ inForce: 'rules', since: world.clock.now() });
  });

  it('is withdrawn with the configuration', async () => {
    const { world } = await changedWorld();
    await sweep(world);
    world.deps.settings.tierPolicy = 'dollars';
    await sweep(world);
    expect((await policyOf(world))?.change).toBeUndefined();
  });

  it('is tried at once in a dry run, which moves nothing', async () => {
    const { world } = await changedWorld();
    world.deps.settings.tierSweep = 'dry-run';
    await sweep(world);
    expect(world.counted('TierDecided', 'young-content')).toBe(2);
    expect(await policyOf(world)).toMatchObject({ inForce: 'dollars' });
  });
});
