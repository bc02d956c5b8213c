import { describe, expect, it } from 'vitest';
import {
  AccessMonthRow,
  BlobRow,
  expectationOf,
  ModelRow,
  ServiceLevelRow,
  shardOf,
  SWEEP_SHARDS,
  SweepRunRow,
} from '../../lib/catalog/index.ts';
import { explainTiers } from '../../lib/operations/tiers.ts';
import { showStorage } from '../../lib/operations/storage.ts';
import { compileRates, DOLLARS, replayTier, TIER_RULES, type TierPolicy } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { type Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS } from '../../lib/shared/units.ts';
import { DEFAULT_PACKING, explainBlob } from '../../lib/tiering/index.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const MODEL = ModelName.parse('flux');
const OPENS = 1_000;
/** Days ago on which one open read the bucket. */
const MISSED = [299, 240, 180, 120, 60];

interface Counted {
  /** Whether the rows tell the reads of the bucket apart from the opens. */
  readonly told: boolean;
}

/** 10 GB in STANDARD that hosts open a thousand times a day, for 300 days. */
async function popular({ told }: Counted): Promise<{ readonly world: TieringWorld; readonly digest: Digest }> {
  const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
  const { digest } = await world.addBlob(1, 300);
  const row = (await BlobRow.get(world.catalog, digest))!;
  const larger = { ...row.value, size: Bytes.parse(10e9), partSize: Bytes.parse(64 * 2 ** 20) };
  await world.catalog.transact([BlobRow.put(larger, expectationOf(row))]);
  await world.refer(digest, MODEL, '1.0.0');
  const now = world.clock.now();
  const newest = SemVer.parse('1.0.0');
  const months = new Map<
    string,
    { days: Record<string, number>; misses: Record<string, number>; lastMissAt?: number }
  >();
  for (let ago = 299; ago >= 0; ago -= 1) {
    const at = now - ago * DAY_MS;
    const [month, day] = [new Date(at).toISOString().slice(0, 7), new Date(at).toISOString().slice(8, 10)];
    const counts = months.get(month) ?? { days: {}, misses: {} };
    counts.days[day] = OPENS;
    if (MISSED.includes(ago)) [counts.misses[day], counts.lastMissAt] = [1, at];
    months.set(month, counts);
  }
  await world.catalog.transact([
    ModelRow.put({ name: MODEL, createdAt: now, updatedAt: now, versions: 1, newest }, 'absent'),
    ...[...months].map(([month, { days, ...bucket }]) => {
      const row = { digest, shard: 0, month, days, hits: 0, lastAt: now, ...(told ? bucket : {}) };
      return AccessMonthRow.put(row as Parameters<typeof AccessMonthRow.put>[0], 'absent');
    }),
  ]);
  return { world, digest };
}

async function explained({ catalog, clock }: TieringWorld, digest: Digest, policy: TierPolicy) {
  const one = await explainBlob({ catalog, clock, rates }, digest, { policy, packs: DEFAULT_PACKING, at: clock.now() });
  const month = (storageClass: string) =>
    one!.decision.alternatives.find((place) => place.storageClass === storageClass)!.usdPerMonth;
  return { ...one!, month };
}

const say = (world: TieringWorld, readsPerDay: number) =>
  world.catalog.transact([ServiceLevelRow.put({ model: MODEL, readsPerDay, updatedAt: world.clock.now() }, 'absent')]);

describe('what hosts open often and the bucket is hardly asked for', () => {
  it('is placed by the reads of the bucket, and its month is theirs', async () => {
    const { world, digest } = await popular({ told: true });
    const { decision, month } = await explained(world, digest, DOLLARS);
    expect(decision).toMatchObject({ action: 'transition', to: 'INTELLIGENT_TIERING', reason: 'cheaper' });
    expect(month('STANDARD')).toBeCloseTo((10e9 / 2 ** 30) * 0.023, 3);
    expect(month('STANDARD_IA')).toBeCloseTo((10e9 / 2 ** 30) * 0.0125, 3);
  });

  it('counts every open as a read of the bucket where older rows do not tell', async () => {
    const { world, digest } = await popular({ told: false });
    const { decision, month } = await explained(world, digest, DOLLARS);
    expect(decision).toMatchObject({ action: 'keep', from: 'STANDARD' });
    expect(month('STANDARD_IA')).toBeGreaterThan(30 * OPENS * 0.01 * 9);
  });

  it('stays hot by the rules, which go by the opens', async () => {
    const { world, digest } = await popular({ told: true });
    const { decision } = await explained(world, digest, TIER_RULES);
    expect(decision).toMatchObject({ action: 'keep', temperature: 'hot', temperatureReason: 'read-daily' });
  });

  it('is explained with both counts', async () => {
    const { world } = await popular({ told: true });
    const { texts } = await explainTiers(world.deps, { reference: `${MODEL}@1.0.0`, policy: 'dollars' });
    expect(texts[0]).toMatch(
      /Hosts last opened it on \S+, 30000 times in the last 30 days; the bucket was last read on \S+, 0 times in the last 30 days\. Its past reads of the bucket say/,
    );
  });

  it('moves by a sweep whose receipt replays', async () => {
    const { world, digest } = await popular({ told: true });
    await world.fireSweep();
    await world.runSweep();
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ chosen: 'transition INTELLIGENT_TIERING' });
    expect(JSON.parse(action!.inputs).facts.bucketReads).toMatchObject({ last30Days: 0 });
    expect(replayTier(action!.inputs, DOLLARS, rates)).toMatchObject({ to: 'INTELLIGENT_TIERING' });
  });

  it('has of the opens that an operator promised the part that was seen to read the bucket', async () => {
    const { world, digest } = await popular({ told: true });
    await say(world, OPENS);
    const { facts } = await explained(world, digest, DOLLARS);
    expect(facts.knownReadsPerDay).toBeCloseTo((OPENS * 6) / (300 * OPENS + 1), 9);
    const { items } = await showStorage(world.deps, { reference: `${MODEL}@1.0.0`, policy: 'dollars' });
    expect(items[0]?.reads).toMatchObject({ basis: 'known' });
  });

  it('reads the bucket with each promised open while no host has opened it', async () => {
    const world = await createTieringWorld();
    const { digest } = await world.addBlob(1, 300);
    await world.refer(digest, MODEL, '1.0.0');
    await say(world, 7);
    expect((await explained(world, digest, DOLLARS)).facts.knownReadsPerDay).toBe(7);
  });
});

describe('a receipt of before the reads of the bucket were told', () => {
  it('replays to what it decided: every open is one', async () => {
    const { world, digest } = await popular({ told: true });
    const { facts } = await explained(world, digest, DOLLARS);
    const { bucketReads: _, memory: __, ...older } = facts;
    const inputs = JSON.stringify({ decision: 'tier', facts: older, now: world.clock.now() });
    const replayed = replayTier(inputs, DOLLARS, rates);
    expect(replayed).toMatchObject({ action: 'keep', from: 'STANDARD' });
    const cold = replayed?.alternatives.find((one) => one.storageClass === 'STANDARD_IA');
    expect(cold?.usdPerMonth).toBeGreaterThan(30 * OPENS * 0.01 * 9);
  });
});

describe('10 GB in GLACIER_IR', () => {
  /** For 300 days, of which the bucket was read `reads` times on each of the last `days`, today not among them. */
  async function archived(reads: number, days: number, sweepBudgetUsd = 1000) {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars', sweepBudgetUsd });
    const { digest } = await world.addBlob(1, 300);
    const row = (await BlobRow.get(world.catalog, digest))!;
    const origin = { ...row.value.origin, storageClass: 'GLACIER_IR' as const };
    const now = world.clock.now();
    const counted = Array.from({ length: days }, (_, ago) => new Date(now - (ago + 1) * DAY_MS).toISOString());
    const months = [...new Set(counted.map((day) => day.slice(0, 7)))].map((month) => {
      const ofMonth = counted.filter((day) => day.startsWith(month)).map((day) => [day.slice(8, 10), reads]);
      const misses = Object.fromEntries(ofMonth);
      return { digest, shard: 0, month, days: misses, misses, hits: 0, lastAt: now, lastMissAt: now };
    });
    await world.catalog.transact([
      BlobRow.put({ ...row.value, size: Bytes.parse(10e9), origin }, expectationOf(row)),
      ...months.map((month) => AccessMonthRow.put(month, 'absent')),
    ]);
    await world.refer(digest, MODEL, '1.0.0');
    return { world, digest };
  }

  it('goes home with the first sweep after a day on which it was read a hundred times, and its receipt replays', async () => {
    const { world, digest } = await archived(100, 1);
    const { facts } = await explained(world, digest, DOLLARS);
    expect(facts.regretUsd).toBeGreaterThan(25);
    expect(facts.regretUsd).toBeLessThan(30);
    await world.fireSweep();
    await world.runSweep();
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ chosen: 'transition INTELLIGENT_TIERING', reason: 'fees-exceed-move' });
    expect(replayTier(action!.inputs, DOLLARS, rates)).toMatchObject({ to: 'INTELLIGENT_TIERING' });
  });

  it('waits for no budget, and takes its turn among the moves', async () => {
    const { world, digest } = await archived(100, 1, 0);
    const at = String(world.clock.now());
    await world.fireSweep();
    await world.runSweep();
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ reason: 'fees-exceed-move' });
    const run = await SweepRunRow.get(world.catalog, at, shardOf(digest, SWEEP_SHARDS));
    expect(run?.value).toMatchObject({ budgetUsd: 0, reservedUsd: 0, moves: 1 });
    expect(run?.value.homeUsd).toBeCloseTo((10e9 / 2 ** 30) * 0.03, 2);
  });

  it('stays while a version is under a legal hold, and says that this costs more than going', async () => {
    const { world, digest } = await archived(100, 1);
    await world.refer(digest, MODEL, '2.0.0', { hold: { reason: 'case 7', since: world.clock.now() } });
    const { decision } = await explained(world, digest, DOLLARS);
    expect(decision).toMatchObject({ action: 'keep', reason: 'held-at-a-loss' });
  });

  it('goes home although somebody says that hardly anybody reads it, and stays where the reads bear that out', async () => {
    for (const [reads, to] of [
      [100, 'INTELLIGENT_TIERING'],
      [1, undefined],
    ] as const) {
      const { world, digest } = await archived(reads, 1);
      await say(world, 0.0001);
      const { decision } = await explained(world, digest, DOLLARS);
      expect(decision.action === 'keep' ? undefined : decision.to).toBe(to);
    }
  });
});
