import { describe, expect, it } from 'vitest';
import {
  type Blob,
  queryAll,
  shardOf,
  SWEEP_SHARDS,
  SweepRunRow,
  SweepStageRow,
  SweepTurnRow,
} from '../../lib/catalog/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { listRuns } from '../../lib/operations/runs.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

/** Of one copy to STANDARD_IA; to GLACIER_IR, where what is older than a year goes, a write costs twice as much. */
const COPY_USD = 0.00001 + 0.0000004;
const DEAR_USD = 0.00002 + 0.0000004;

function worldOf(sweepBudgetUsd: number, sweepMostMoves = 1_000): Promise<TieringWorld> {
  return createTieringWorld(undefined, 'on', { sweepBudgetUsd, sweepMostMoves });
}

/** Idle blobs whose shards are those, `days` old; `from` is where their seeds begin. */
async function addTo(world: TieringWorld, shards: readonly number[], days = 40, from = 0): Promise<readonly Blob[]> {
  const blobs: Blob[] = [];
  for (let seed = from; blobs.length < shards.length; seed += 1) {
    const blob = await world.addBlob(seed, days);
    if (shardOf(blob.digest, SWEEP_SHARDS) === shards[blobs.length]) blobs.push(blob);
    else await world.forget(blob.digest);
  }
  return blobs;
}

/** What one sweep has reserved. */
async function sweep(world: TieringWorld): Promise<number> {
  await world.fireSweep();
  await world.run();
  const runs = await queryAll(world.catalog, { partition: `RUN#${world.clock.now()}` });
  const usd = runs.reduce((sum, item) => sum + SweepRunRow.parse(item).value.reservedUsd, 0);
  await world.clock.advance(DAY_MS);
  return usd;
}

const hasMoved = async (world: TieringWorld, digest: Digest): Promise<boolean> =>
  (await world.blob(digest)).origin.storageClass !== 'STANDARD';

async function movedOf(world: TieringWorld, blobs: readonly Blob[]): Promise<number> {
  const moved = await Promise.all(blobs.map(({ digest }) => hasMoved(world, digest)));
  return moved.filter(Boolean).length;
}

describe('a move that costs more than the equal part of its shard', () => {
  it('has its turn in a later sweep, and no sweep spends more than its budget', async () => {
    const world = await worldOf(2.5 * COPY_USD);
    const blobs = await addTo(
      world,
      Array.from({ length: SWEEP_SHARDS }, (_, shard) => shard),
    );
    for (let day = 0; day < 2 * SWEEP_SHARDS; day += 1) {
      expect(await sweep(world)).toBeLessThanOrEqual(2.5 * COPY_USD);
    }
    expect(await movedOf(world, blobs)).toBe(SWEEP_SHARDS);
  });

  it('takes turns with what costs little, of which nothing waits for ever', async () => {
    const budgetUsd = SWEEP_SHARDS * COPY_USD;
    const world = await worldOf(budgetUsd);
    // Of the dear ones each takes a whole turn of its shard, of the cheap ones each an equal part.
    const dear = await addTo(world, [1, 1, 2, 2], 400);
    const cheap = await addTo(world, [1, 2, 3], 40, 10_000);
    expect(await sweep(world)).toBeLessThanOrEqual(budgetUsd);
    expect([await movedOf(world, dear), await movedOf(world, cheap)]).toEqual([0, 3]);
    for (let day = 1; day < 6; day += 1) expect(await sweep(world)).toBeLessThanOrEqual(budgetUsd);
    expect(await movedOf(world, dear)).toBe(4);
  });

  it.each([
    ['dollars', 0.99 * SWEEP_SHARDS * DEAR_USD, 1_000],
    ['moves', 1.2 * SWEEP_SHARDS * COPY_USD, SWEEP_SHARDS],
  ])('is not overtaken for ever by moves of its shard that come before it and take its %s', async (_, usd, moves) => {
    const world = await worldOf(usd, moves);
    const shard = Array.from({ length: 12 }, () => 0);
    const sorted = (blobs: readonly Blob[]): readonly Blob[] =>
      blobs.toSorted((one, other) => (one.digest < other.digest ? -1 : 1));
    const cheap = sorted(await addTo(world, shard));
    const [last] = cheap.slice(-1);
    let seed = 20_000;
    let dear = (await addTo(world, [0], 400, seed))[0]!;
    while (dear.digest < last!.digest) {
      await world.forget(dear.digest);
      seed += 200;
      dear = (await addTo(world, [0], 400, seed))[0]!;
    }
    await sweep(world);
    expect(await hasMoved(world, dear.digest)).toBe(false);
    await sweep(world);
    expect(await hasMoved(world, dear.digest)).toBe(true);
    expect(await movedOf(world, cheap)).toBeLessThan(cheap.length);
  });

  it.each([
    ['before', 0],
    ['behind', 1],
  ])('is held up by no move %s it that fails each time', async (_, failing) => {
    const world = await worldOf(2.5 * COPY_USD);
    const blobs = (await addTo(world, [6, 6, 6])).toSorted((one, other) => (one.digest < other.digest ? -1 : 1));
    const { digest, origin } = blobs[failing]!;
    await world.objects.remove(blobKey(digest), origin.versionId);
    for (let day = 0; day < 8; day += 1) await sweep(world);
    expect(await movedOf(world, blobs)).toBe(2);
    expect(await hasMoved(world, digest)).toBe(false);
  });

  it('is not overtaken for ever by dearer ones that come every second day', async () => {
    const world = await worldOf(2.5 * COPY_USD);
    const [waiting] = await addTo(world, [6]);
    await addTo(world, [6], 400, 10_000);
    for (let day = 0; day < 12; day += 2) {
      await addTo(world, [6], 400, 20_000 + 1_000 * day);
      await sweep(world);
      await sweep(world);
    }
    expect(await hasMoved(world, waiting!.digest)).toBe(true);
  });

  it('has one of the moves of a sweep kept for it, however few these are', async () => {
    const world = await worldOf(2.5 * COPY_USD, 1);
    const blobs = await addTo(world, [3, 7, 12]);
    for (let day = 0; day < 2 * SWEEP_SHARDS; day += 1) {
      await sweep(world);
      const [run] = (await listRuns(world.deps, { limit: 1 })).items;
      expect(run?.moves ?? 0).toBeLessThanOrEqual(1);
    }
    expect(await movedOf(world, blobs)).toBe(3);
  });

  it('is kept for once, however often a sweep is started, over rows or over an inventory', async () => {
    for (const over of ['rows', 'inventory'] as const) {
      const inventory = over === 'inventory' ? { sweepInventoryFrom: 0 } : {};
      const limits = { sweepBudgetUsd: 2.5 * COPY_USD, ...inventory };
      const world = await createTieringWorld(undefined, 'on', limits);
      await addTo(world, [5]);
      await sweep(world);
      if (over === 'inventory') world.sweepOverInventories();
      await world.fireSweep();
      await world.fireSweep();
      const turn = (await SweepTurnRow.get(world.catalog))?.value;
      expect(turn, over).toMatchObject({ runId: String(world.clock.now()), shard: 5 });
      const rows = await queryAll(world.catalog, { partition: `RUN#${turn?.runId}` });
      const runs = rows.map((item) => SweepRunRow.parse(item).value);
      expect(runs, over).toHaveLength(SWEEP_SHARDS);
      expect(
        runs.reduce((sum, { budgetUsd }) => sum + budgetUsd, 0),
        over,
      ).toBeLessThanOrEqual(limits.sweepBudgetUsd);
      expect(runs[5]?.kept?.usd, over).toBeCloseTo(1.1 * COPY_USD, 12);
    }
  });
});

describe('dollars for what waits', () => {
  it('are not kept by a sweep of a moment before the one that has kept some', async () => {
    const world = await worldOf(2.5 * COPY_USD);
    await addTo(world, [5]);
    await sweep(world);
    const at = world.clock.now();
    await world.fireSweep();
    await world.fireSweep(EpochMs.parse(at - 1_000));
    expect((await SweepTurnRow.get(world.catalog))?.value.runId).toBe(String(at));
    expect(await queryAll(world.catalog, { partition: `RUN#${at - 1_000}` })).toEqual([]);
  });

  it.each(['turn', 'stage'])('are not kept where a %s cannot be read, which stops no sweep', async (unreadable) => {
    const world = await worldOf(2.5 * COPY_USD);
    const [blob] = await addTo(world, [5]);
    await sweep(world);
    const runId = String(world.clock.now() - DAY_MS);
    const key = unreadable === 'turn' ? SweepTurnRow.key() : SweepStageRow.key(runId, 5, 'lifecycle');
    const row = await world.catalog.get(key);
    const item = { key, index: {}, ...row, body: { v: 99 } };
    const expected = row === undefined ? ('absent' as const) : { version: row.version };
    await world.catalog.transact([{ kind: 'put', item, expect: expected }]);
    expect(await sweep(world)).toBe(0);
    expect(world.records.map(({ event }) => event)).toContain('turns of a sweep unreadable');
    if (unreadable === 'turn') return;
    // The row is of one sweep: the next one finds what that one has noted.
    await sweep(world);
    expect(await hasMoved(world, blob!.digest)).toBe(true);
  });
});

describe('a move that costs more than a whole sweep may spend', () => {
  it('is told as such, and nothing is kept for it', async () => {
    const world = await worldOf(0.9 * COPY_USD);
    const [blob] = await addTo(world, [4]);
    for (let day = 0; day < 3; day += 1) expect(await sweep(world)).toBe(0);
    expect(world.counted('TierDecided', 'above-budget')).toBe(3);
    const [run] = (await listRuns(world.deps, { limit: 1 })).items;
    expect(run?.stages?.at(-1)).toMatchObject({ left: 1, tooDear: 1 });
    expect(await hasMoved(world, blob!.digest)).toBe(false);
    expect(await SweepTurnRow.get(world.catalog)).toBeUndefined();
  });
});
