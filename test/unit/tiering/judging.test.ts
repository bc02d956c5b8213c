import { describe, expect, it } from 'vitest';
import { expectationOf, TierPolicyRow } from '../../../lib/catalog/index.ts';
import { parseTierRules, POLICY_VERSIONS } from '../../../lib/placement/index.ts';
import type { TierPolicyName } from '../../../lib/shared/sweepMode.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';
import { judgingNow, TIER_SETTINGS, wantedNow } from '../../../lib/tiering/index.ts';
import { ownBookSettings } from '../../../lib/priceBooks/index.ts';
import { inForce } from '../../../lib/tiering/policyInForce.ts';
import { ownBook } from '../../support/ownBooks.ts';
import { createTieringWorld, type TieringWorld } from '../../support/tieringWorld.ts';

const OTHER = { tierRules: parseTierRules('warmAgeDays=700') };

/** As who looks from outside sees it, and as the plane itself does. */
async function judged(world: TieringWorld, asked?: TierPolicyName) {
  const outside = await judgingNow(world.catalog, undefined, asked);
  return { outside, inside: await judgingNow(world.catalog, world.deps.settings, asked) };
}

describe('what storage classes are judged by', () => {
  it('is what ships before any sweep has noted something, and what the plane itself is configured with', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' }, false);
    const { outside, inside } = await judged(world);
    expect(outside).toEqual({ policy: 'rules', settings: TIER_SETTINGS, basis: 'shipped' });
    expect(inside).toMatchObject({ policy: 'dollars', basis: 'configured', sweep: 'on' });
  });

  it('is what is in force, seen alike from inside and outside, also while another policy is configured', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars', ...OTHER });
    await world.fireSweep();
    const since = world.clock.now();
    await world.clock.advance(DAY_MS);
    Object.assign(world.deps.settings, { tierPolicy: 'rules', tierPacking: 'on', tierRules: TIER_SETTINGS.tierRules });
    await world.fireSweep();
    const { outside, inside } = await judged(world);
    expect(outside).toMatchObject({ policy: 'dollars', basis: 'in-force', since, sweep: 'on' });
    expect(outside.settings).toMatchObject({ tierPacking: 'off', tierRules: OTHER.tierRules });
    expect(inside).toEqual(outside);
  });

  it('is another policy where that is named, as it is configured', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars', ...OTHER });
    await world.fireSweep();
    const { outside, inside } = await judged(world, 'rules');
    expect(outside).toMatchObject({ policy: 'rules', basis: 'asked', settings: OTHER, sweep: 'on' });
    expect(inside).toEqual(outside);
    expect((await judged(world, 'dollars')).outside).toMatchObject({ policy: 'dollars', basis: 'in-force' });
  });

  it.each(['dry-run', 'off'] as const)('is what is configured of a plane whose sweeps are %s', async (tierSweep) => {
    const world = await createTieringWorld(undefined, tierSweep, { tierPolicy: 'lifecycle' });
    await world.fireSweep();
    const { outside, inside } = await judged(world);
    expect(outside).toMatchObject({ policy: 'lifecycle', basis: 'configured', sweep: tierSweep });
    expect(inside).toEqual(outside);
  });

  it('is off at once where something is switched off', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPacking: 'on' });
    await world.fireSweep();
    Object.assign(world.deps.settings, { tierPacking: 'off' });
    expect((await judged(world)).inside).toMatchObject({ basis: 'in-force', settings: { tierPacking: 'off' } });
  });

  it('reads the row that an older release wrote, which noted no settings', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const since = world.clock.now();
    const row = await TierPolicyRow.get(world.catalog);
    await world.catalog.transact([
      TierPolicyRow.put({ inForce: 'dollars', version: 'dollars-3', since }, expectationOf(row)),
    ]);
    const { outside, inside } = await judged(world);
    expect(outside).toEqual({ policy: 'dollars', settings: TIER_SETTINGS, basis: 'shipped', since });
    expect(inside).toMatchObject({ policy: 'dollars', basis: 'in-force', settings: { tierPacking: 'off' } });
  });

  it('has no price book where an older release wrote the row, also where one is configured', async () => {
    const world = await createTieringWorld(undefined, 'on', ownBookSettings(ownBook()));
    const row = await TierPolicyRow.get(world.catalog);
    const old = { inForce: 'rules' as const, version: POLICY_VERSIONS.rules, since: world.clock.now() };
    await world.catalog.transact([TierPolicyRow.put(old, expectationOf(row))]);
    const { settings } = world.deps;
    expect((await judged(world)).inside).toMatchObject({ policy: 'rules', basis: 'in-force' });
    expect((await judged(world)).inside.settings.priceBook).toBeUndefined();
    expect((await inForce(world.catalog, settings))?.priceBook).toBeUndefined();
    expect(await wantedNow(world.catalog, settings)).toMatchObject({ settings: { priceBook: settings.priceBook } });
  });

  it('waits from the moment that it is configured, and no longer than that', async () => {
    const world = await createTieringWorld(undefined, 'on');
    const waits = async () => [
      await wantedNow(world.catalog, world.deps.settings),
      await wantedNow(world.catalog, undefined),
    ];
    expect(await waits()).toEqual([undefined, undefined]);
    await world.fireSweep();
    Object.assign(world.deps.settings, OTHER);
    expect(await waits()).toMatchObject([{ policy: 'rules', settings: OTHER }, undefined]);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    expect(await waits()).toMatchObject([
      { policy: 'rules', settings: OTHER },
      { policy: 'rules', settings: OTHER },
    ]);
    Object.assign(world.deps.settings, { tierRules: TIER_SETTINGS.tierRules });
    expect((await waits())[0]).toBeUndefined();
  });
});
