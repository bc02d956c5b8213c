import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardOf, SWEEP_SHARDS, SweepRunRow } from '../../../lib/catalog/index.ts';
import { applyTier } from '../../../lib/operations/tiers.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { beginPlan, divideLimits } from '../../../lib/tiering/index.ts';
import { createTieringWorld, type TieringWorld } from '../../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const digestOf = (seed: number): Digest => Digest.parse(createHash('sha256').update(String(seed)).digest('hex'));
const move = (seed: number, usd: number) => ({ digest: digestOf(seed), usd });
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

describe('the limits of a plan', () => {
  it('are never above the plan’s together, and enough in each shard for all that fits', () => {
    const moves = fc.array(
      fc.tuple(
        fc.nat(10_000),
        fc.nat(300).map((cents) => cents / 100),
      ),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(
        moves,
        fc.nat(10_000).map((cents) => cents / 100),
        fc.nat(150),
        (all, budgetUsd, mostMoves) => {
          const planned = all.map(([seed, usd]) => move(seed, usd));
          const { fit, shards } = divideLimits(planned, { budgetUsd, mostMoves });
          expect(sum(shards.map((one) => one.budgetUsd))).toBeLessThanOrEqual(budgetUsd * (1 + 1e-12));
          expect(sum(shards.map((one) => one.mostMoves))).toBe(mostMoves);
          for (const [shard, limits] of shards.entries()) {
            const own = fit.filter(({ digest }) => shardOf(digest, SWEEP_SHARDS) === shard);
            expect(own.length).toBeLessThanOrEqual(limits.mostMoves);
            // Added in the same order, to the last bit.
            expect(sum(own.map(({ usd }) => usd))).toBeLessThanOrEqual(limits.budgetUsd);
          }
        },
      ),
    );
  });

  it('are taken in the order of the plan: what is too dear leaves room for what comes after it', () => {
    const [cheap, dear, other] = [move(1, 1), move(2, 50), move(3, 2)];
    expect(divideLimits([cheap, dear, other], { budgetUsd: 5, mostMoves: 10 }).fit).toEqual([cheap, other]);
    expect(divideLimits([cheap, other], { budgetUsd: 5, mostMoves: 1 }).fit).toEqual([cheap]);
  });
});

describe('a run of a plan', () => {
  /** 60 blobs to cool, planned within limits of 40 moves. */
  async function planned() {
    const world = await createTieringWorld();
    const moves: { digest: Digest; usd: number }[] = [];
    for (let seed = 0; seed < 60; seed += 1) {
      moves.push({ digest: (await world.addBlob(seed, 40)).digest, usd: 0.00002 });
    }
    const { shards } = divideLimits(moves, { budgetUsd: 1, mostMoves: 40 });
    return { world, digests: moves.map(({ digest }) => digest), shards };
  }

  const apply = async (world: TieringWorld, digest: Digest): Promise<string> => {
    const wish = { policy: 'rules', runId: 'run-1', budgetUsd: 1000, mostMoves: 1000, dryRun: false } as const;
    const deps = { ...world.deps, rates };
    return (await applyTier(deps, { ...wish, action: 'transition', to: 'STANDARD_IA', digest })).reason;
  };
  const sentBy = async (world: TieringWorld): Promise<number> =>
    (await world.takeOutbox()).filter(({ queue }) => queue === 'transition').length;

  it('keeps to its limits however many moves come at once, whatever limits they name', async () => {
    const { world, digests, shards } = await planned();
    await beginPlan(world.deps, { runId: 'run-1', shards });
    const lanes = Array.from({ length: SWEEP_SHARDS }, (_, shard) =>
      digests.filter((digest) => shardOf(digest, SWEEP_SHARDS) === shard),
    );
    const answers = await Promise.all(
      lanes.map(async (lane) => {
        const reasons: string[] = [];
        for (const digest of lane) reasons.push(await apply(world, digest));
        return reasons;
      }),
    );
    expect(await sentBy(world)).toBe(40);
    expect(answers.flat().filter((reason) => reason === 'rate-reached')).toHaveLength(20);
  });

  it('that was interrupted goes on within what it began with, and sends nothing twice', async () => {
    const { world, digests, shards } = await planned();
    await beginPlan(world.deps, { runId: 'run-1', shards });
    for (const digest of digests.slice(0, 25)) await apply(world, digest);
    const before = await sentBy(world);
    // Begun anew with other limits, as a plan that is made later would be.
    const more = shards.map(() => ({ budgetUsd: 1000, mostMoves: 1000 }));
    const begun = await beginPlan(world.deps, { runId: 'run-1', shards: more });
    expect(sum(begun.map(({ mostMoves }) => mostMoves))).toBe(40);
    expect(sum(begun.map(({ moves }) => moves))).toBe(before);
    const reasons: string[] = [];
    for (const digest of digests) reasons.push(await apply(world, digest));
    expect(reasons.filter((reason) => reason === 'sent-before')).toHaveLength(before);
    expect(before + (await sentBy(world))).toBe(40);
  });

  it('does not begin where it is to go on and nobody has begun it', async () => {
    const { world, digests, shards } = await planned();
    const goingOn = { runId: 'run-1', shards, goesOn: true };
    await expect(beginPlan(world.deps, goingOn)).rejects.toMatchObject({ code: 'no-plan' });
    expect(await SweepRunRow.get(world.catalog, 'run-1', 0)).toBeUndefined();
    await beginPlan(world.deps, { runId: 'run-1', shards });
    await apply(world, digests[0]!);
    expect(sum((await beginPlan(world.deps, goingOn)).map(({ moves }) => moves))).toBe(1);
  });

  it('is neither a sweep’s nor one that was begun in part', async () => {
    const { world, shards } = await planned();
    await expect(beginPlan(world.deps, { runId: '1795176000000', shards })).rejects.toMatchObject({ code: 'no-plan' });
    await apply(world, digestOf(1));
    await beginPlan(world.deps, { runId: 'run-2', shards });
    const row = await SweepRunRow.get(world.catalog, 'run-2', 3);
    await world.catalog.transact([
      { kind: 'delete', key: SweepRunRow.key('run-2', 3), expect: { version: row!.version } },
    ]);
    await expect(beginPlan(world.deps, { runId: 'run-2', shards })).rejects.toMatchObject({ code: 'no-plan' });
  });
});
