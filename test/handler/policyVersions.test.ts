import { describe, expect, it } from 'vitest';
import {
  AccessMonthRow,
  AllowanceRow,
  BlobRow,
  expectationOf,
  PolicyLookRow,
  RiskRow,
  shardOf,
  SWEEP_SHARDS,
  TierPolicyRow,
  type TierPolicyInForce,
} from '../../lib/catalog/index.ts';
import { acceptTierPolicy, showTierPolicy } from '../../lib/operations/tierPolicy.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, GIB, Usd } from '../../lib/shared/units.ts';
import { LOOK_PARTS } from '../../lib/tiering/index.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

/** A plane on which no policy has ever decided, with one object of 400 days that the rules would have colder. */
async function newWorld(settings: Parameters<typeof createTieringWorld>[2] = {}, isInForce = false) {
  const world = await createTieringWorld(undefined, 'on', settings, isInForce);
  const { digest } = await world.addBlob(1, 400);
  const row = (await BlobRow.get(world.catalog, digest))!;
  await world.catalog.transact([BlobRow.put({ ...row.value, size: Bytes.parse(10_000_000_000) }, expectationOf(row))]);
  return { world, digest };
}

async function readNow({ catalog, clock }: TieringWorld, digest: Digest, reads = 1): Promise<void> {
  const day = new Date(clock.now()).toISOString();
  const month = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: reads }, hits: 0 };
  await catalog.transact([AccessMonthRow.put({ ...month, lastAt: clock.now() }, 'absent')]);
}

/** A day later, each message twice. */
async function sweep(world: TieringWorld) {
  await world.clock.advance(DAY_MS);
  await world.fireSweep();
  await world.fireSweep();
  return world.runSweep(2);
}

const policyOf = async ({ catalog }: TieringWorld) => (await TierPolicyRow.get(catalog))?.value;

/** As if another release were deployed: what was looked at is not what decides now. */
async function deploy({ catalog }: TieringWorld, over: Partial<TierPolicyInForce>): Promise<void> {
  const row = (await TierPolicyRow.get(catalog))!;
  await catalog.transact([TierPolicyRow.put({ ...row.value, ...over }, expectationOf(row))]);
}

describe('before the first policy', () => {
  it('nothing moves, every object is looked at from where it lies, and then it decides', async () => {
    const { world, digest } = await newWorld();
    await sweep(world);
    expect(await world.actions(digest)).toEqual([]);
    expect(await policyOf(world)).toMatchObject({ change: { to: 'rules', version: 'rules-2' } });
    expect(await policyOf(world)).not.toHaveProperty('inForce');
    const [shown] = (await showTierPolicy(world)).items;
    expect(shown).toMatchObject({
      decides: false,
      wanted: 'rules',
      reach: { objects: 1, changed: 1, caught: 0 },
      look: { parts: LOOK_PARTS },
    });
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules', version: 'rules-2' });
    expect((await world.actions(digest)).map(({ chosen }) => chosen)).toEqual(['transition GLACIER_IR']);
  });

  it('what is in use refuses it, nothing moves meanwhile, and an operator may accept it', async () => {
    const { world, digest } = await newWorld();
    await readNow(world, digest);
    for (let day = 0; day < 3; day += 1) await sweep(world);
    expect(await policyOf(world)).toMatchObject({ refused: { reach: { caught: 1, examples: [digest] } } });
    expect(await world.actions(digest)).toEqual([]);
    await acceptTierPolicy(world.deps, { policy: 'rules', by: 'ada', dryRun: false });
    await sweep(world);
    expect(await world.actions(digest)).toHaveLength(1);
  });

  it('an empty plane has nothing to look at', async () => {
    const world = await createTieringWorld(undefined, 'on', {}, false);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules' });
  });

  it('begins no run over an inventory', async () => {
    const { world } = await newWorld({ sweepInventoryFrom: 0 });
    const started = world.sweepOverInventories();
    await sweep(world);
    expect(started).toEqual([]);
    await sweep(world);
    expect(started).toHaveLength(1);
  });
});

/** 10 GiB that `dollars-1` has moved out 60 days ago, within an account that has nothing more, and with one read reserved. */
async function learnedMove(lookedAt: boolean) {
  const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars', sweepBudgetUsd: 0 }, true);
  const { catalog, clock } = world;
  const { digest } = await world.addBlob(1, 60, 'GLACIER_IR');
  const row = (await BlobRow.get(catalog, digest))!;
  const bytes = Bytes.parse(10 * GIB);
  const shard = shardOf(digest, SWEEP_SHARDS);
  const [nothing, reservedUsd] = [Usd.parse(0), Usd.parse(0.725)];
  const openedAt = EpochMs.parse(clock.now() - 60 * DAY_MS);
  const account = { shard, shadowUsd: nothing, settledUsd: reservedUsd, reservedUsd, accruedThrough: clock.now() };
  await catalog.transact([
    BlobRow.put({ ...row.value, size: bytes }, expectationOf(row)),
    AllowanceRow.put(account, 'absent'),
    RiskRow.put(
      {
        shard,
        digest,
        bytes,
        from: 'INTELLIGENT_TIERING',
        to: 'GLACIER_IR',
        openedAt,
        arrivedAt: openedAt,
        idleMs: 400 * DAY_MS,
        movedUsd: nothing,
        reservedUsd,
      },
      'absent',
    ),
  ]);
  if (!lookedAt) await deploy(world, { version: 'dollars-1' });
  return { world, digest };
}

describe('a learned move of an older release', () => {
  it.each([
    ['a release that was looked at', true],
    ['one that was not yet', false],
  ])('comes home when its reads have cost the way, by %s', async (_release, lookedAt) => {
    const { world, digest } = await learnedMove(lookedAt);
    await readNow(world, digest, 100);
    await sweep(world);
    expect(await world.actions(digest)).toMatchObject([
      { reason: 'fees-exceed-move', chosen: 'transition INTELLIGENT_TIERING' },
    ]);
  });

  it.each([true, false])('stays while nobody reads it, by one that was looked at: %s', async (lookedAt) => {
    const { world, digest } = await learnedMove(lookedAt);
    await sweep(world);
    expect(await world.actions(digest)).toEqual([]);
    expect((await RiskRow.get(world.catalog, shardOf(digest, SWEEP_SHARDS), digest))?.value.reservedUsd).toBe(0.725);
  });
});

describe('a release that decides otherwise under the same name', () => {
  it('moves nothing before it was looked at, also by a sweep that had begun before it came', async () => {
    const { world, digest } = await newWorld();
    await sweep(world);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    await deploy(world, { version: 'rules-0' });
    await world.runSweep();
    expect(await world.actions(digest)).toEqual([]);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({
      inForce: 'rules',
      version: 'rules-0',
      change: { version: 'rules-2' },
    });
    expect((await showTierPolicy(world)).items).toMatchObject([
      { version: 'rules-0', decides: false, wanted: 'rules' },
    ]);
    expect(await world.actions(digest)).toEqual([]);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules', version: 'rules-2' });
    expect(await world.actions(digest)).toHaveLength(1);
  });

  it('is refused where it would have objects in use colder than they lie', async () => {
    const { world, digest } = await newWorld({}, true);
    await deploy(world, { version: 'rules-0' });
    await readNow(world, digest);
    for (let day = 0; day < 3; day += 1) await sweep(world);
    expect(await policyOf(world)).toMatchObject({ version: 'rules-0', refused: { reach: { caught: 1 } } });
    expect(await world.actions(digest)).toEqual([]);
  });

  it('looks anew with the next sweep where another release has taken the messages of its look', async () => {
    const { world } = await newWorld();
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    const taken = await world.takeOutbox();
    expect(taken.filter(({ queue }) => queue === 'sweep')).toHaveLength(LOOK_PARTS);
    await sweep(world);
    expect((await policyOf(world))?.change?.sweptAt).toBe(world.clock.now());
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules', version: 'rules-2' });
  });

  it('goes on with a look although the next sweep is of a later moment', async () => {
    const { world } = await newWorld();
    const inDays = (days: number) => EpochMs.parse(world.clock.now() + days * DAY_MS);
    await world.fireSweep(inDays(8));
    const { change } = (await policyOf(world))!;
    const messages = (await world.takeOutbox()).filter(({ queue }) => queue === 'sweep');
    await world.deliver('sweep', messages[0]?.body);
    await world.fireSweep(inDays(9));
    expect((await policyOf(world))?.change).toEqual(change);
  });

  it('looks anew for what another release has begun to look at', async () => {
    const { world } = await newWorld();
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    const [first] = await world.takeOutbox();
    const { change } = (await policyOf(world))!;
    await deploy(world, { change: { ...change!, version: 'rules-0' } });
    expect(await world.deliver('sweep', first?.body)).toBe(true);
    const looks = await world.catalog.query({ partition: PolicyLookRow.key('', 0).partition, limit: 10 });
    expect(looks.items).toEqual([]);
    await sweep(world);
    expect((await policyOf(world))?.change).toMatchObject({ version: 'rules-2', sweptAt: world.clock.now() });
  });
});
