import { describe, expect, it } from 'vitest';
import { AccessMonthRow, ModelRow } from '../../../lib/catalog/index.ts';
import { applyTier, explainTiers, planTiers } from '../../../lib/operations/tiers.ts';
import { compileRates, DOLLARS, TIER_RULES } from '../../../lib/placement/index.ts';
import { type Digest, ModelName, SemVer, type StorageClass } from '../../../lib/shared/ids.ts';
import type { CatalogStore } from '../../../lib/shared/ports/catalogStore.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, EpochMs } from '../../../lib/shared/units.ts';
import { createTieringWorld, type TieringWorld } from '../../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const LIMITS = {
  action: 'transition',
  policy: 'rules',
  runId: 'run-1',
  budgetUsd: 1,
  mostMoves: 10,
  dryRun: false,
} as const;

async function wholePlan(world: TieringWorld, policy: 'rules' | 'dollars') {
  const items: Awaited<ReturnType<typeof planTiers>>['items'] = [];
  let nextToken: string | undefined;
  do {
    const page = await planTiers(world.deps, { limit: 2, policy, ...(nextToken === undefined ? {} : { nextToken }) });
    items.push(...page.items);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return items;
}

const apply = (world: TieringWorld, digest: Digest, to: StorageClass, over: object = {}) =>
  applyTier({ ...world.deps, rates }, { ...LIMITS, digest, to, ...over });

async function sentTransitions(world: TieringWorld): Promise<number> {
  return (await world.takeOutbox()).filter(({ queue }) => queue === 'transition').length;
}

describe('a plan of storage classes', () => {
  it('has the facts of every blob once, over all shards and pages', async () => {
    const world = await createTieringWorld();
    const digests: string[] = [];
    for (let seed = 0; seed < 30; seed += 1) digests.push((await world.addBlob(seed, 40)).digest);
    const planned = await wholePlan(world, 'dollars');
    expect(planned.map(({ facts }) => facts.digest).toSorted()).toEqual(digests.toSorted());
    expect(planned[0]?.facts.memory).toBeDefined();
  });

  it('looks at some blobs of a page side by side, and keeps their order', async () => {
    const world = await createTieringWorld();
    for (let seed = 0; seed < 400; seed += 1) await world.addBlob(seed, 40, 'STANDARD', Buffer.from(`${seed}`));
    let [underWay, most] = [0, 0];
    const get: CatalogStore['get'] = async (...wish) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((done) => setImmediate(done));
      underWay -= 1;
      return world.catalog.get(...wish);
    };
    const slow = { ...world.deps, catalog: { ...world.catalog, get } };
    const page = await planTiers(slow, { limit: 100, policy: 'rules' });
    expect(most).toBe(16);
    const inOrder = page.items.map(({ facts }) => facts.digest);
    expect(inOrder.length).toBeGreaterThan(16);
    expect(inOrder).toEqual(inOrder.toSorted());
  });

  it('is refused with a token of its own making only', async () => {
    const world = await createTieringWorld();
    const wish = { limit: 10, policy: 'rules', nextToken: '99 x' } as const;
    await expect(planTiers(world.deps, wish)).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('is applied as it was shown, each move once', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    expect(await apply(world, blob.digest, 'STANDARD_IA', { dryRun: true })).toMatchObject({ reason: 'young-content' });
    expect(await sentTransitions(world)).toBe(0);
    expect(await apply(world, blob.digest, 'STANDARD_IA')).toMatchObject({ reason: 'young-content' });
    expect(await apply(world, blob.digest, 'STANDARD_IA')).toMatchObject({ reason: 'sent-before' });
    expect(await sentTransitions(world)).toBe(1);
  });

  it('moves nothing that is decided otherwise by now, or that was read lately', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    expect(await apply(world, blob.digest, 'GLACIER_IR')).toMatchObject({ reason: 'decided-otherwise' });
    await readOnce(world, blob.digest);
    expect(await apply(world, blob.digest, 'STANDARD_IA')).toMatchObject({ reason: 'in-use' });
    expect(await sentTransitions(world)).toBe(0);
  });

  it.each([
    ['dollars', { budgetUsd: 0.00001 }, 'budget-spent'],
    ['moves', { mostMoves: 0 }, 'rate-reached'],
  ])('stops at its limit of %s', async (_name, limit, reason) => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    expect(await apply(world, blob.digest, 'STANDARD_IA', limit)).toMatchObject({ reason });
    expect(await sentTransitions(world)).toBe(0);
  });
});

describe('the explanation of a storage class', () => {
  it.each([
    ['rules', TIER_RULES.version],
    ['dollars', DOLLARS.version],
  ] as const)('tells by %s what every class would cost', async (policy, version) => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    await world.refer(blob.digest, 'flux', '1.0.0');
    await publish(world);
    const { texts } = await explainTiers(world.deps, { reference: 'flux@1.0.0', policy });
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain(version);
    expect(texts[0]).toContain('GLACIER_IR');
    expect(texts[0]).toMatch(/\$\d/);
  });
});

async function readOnce(world: TieringWorld, digest: Digest): Promise<void> {
  const lastAt = EpochMs.parse(world.clock.now() - 2 * DAY_MS);
  const day = new Date(lastAt).toISOString();
  const row = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0, lastAt };
  await world.catalog.transact([AccessMonthRow.put(row, 'absent')]);
}

/** The row of the model that the version belongs to. */
async function publish(world: TieringWorld): Promise<void> {
  const now = world.clock.now();
  const newest = SemVer.parse('1.0.0');
  const row = { name: ModelName.parse('flux'), createdAt: now, updatedAt: now, versions: 1, newest };
  await world.catalog.transact([ModelRow.put(row, 'absent')]);
}
