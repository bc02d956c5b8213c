import { describe, expect, it } from 'vitest';
import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import { shardOf, type SweepFinding, SWEEP_SHARDS, SweepFindingRow, SweepStageRow } from '../../lib/catalog/index.ts';
import { listRuns } from '../../lib/operations/runs.ts';
import { PortError } from '../../lib/shared/errors.ts';
import { Digest } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../../lib/shared/units.ts';
import { endInventory, sweepInventory } from '../support/inventory.ts';
import { createTieringWorld, seedOfShard0, type TieringWorld } from '../support/tieringWorld.ts';

const MANY = 430;
const ONE_A_SHARD = { sweepMostMoves: SWEEP_SHARDS };
/** Behind every real one. */
const digestOf = (nth: number): Digest => Digest.parse(nth.toString(16).padStart(8, '0').padStart(64, 'f'));

/** A world that counts how often a decision reads a blob. */
async function watched(over: Parameters<typeof createTieringWorld>[2]) {
  const decided: string[] = [];
  const counting = (store: CatalogStore): CatalogStore => ({
    ...store,
    get(key) {
      if (key.partition.startsWith('BLOB#') && key.sort === 'META') decided.push(key.partition.slice('BLOB#'.length));
      return store.get(key);
    },
  });
  return { world: await createTieringWorld({ catalog: counting, objects: (store) => store }, 'on', over), decided };
}

/** `undefined`: not noted. */
type Found = { readonly [Name in 'warms' | 'price' | 'place' | 'carriedOut']?: SweepFinding[Name] | undefined };

/** What an analysis of shard 0 has found, of blobs that are gone: whoever decides about them anyway says `unknown-blob`. */
async function find(world: TieringWorld, first: number, count: number, over: Found): Promise<void> {
  const runId = String(world.clock.now());
  const expiresAt = EpochMs.parse(world.clock.now() + DAY_MS);
  const price = { usd: Usd.parse(0.01), home: false };
  const found = { runId, shard: 0, moves: true, place: false, warms: false, price, bytes: Bytes.parse(1), expiresAt };
  for (let nth = first; nth < first + count; nth += 1) {
    const { price: ofMove, warms, ...row } = { ...found, ...over, digest: digestOf(nth) };
    const noted = { ...(warms === undefined ? {} : { warms }), ...(ofMove === undefined ? {} : { price: ofMove }) };
    await world.catalog.transact([SweepFindingRow.put({ ...row, ...noted }, 'absent')]);
  }
}

/** One idle blob of shard 0, analysed. */
async function analysed(world: TieringWorld): Promise<Digest> {
  const { digest } = await world.addBlob(seedOfShard0(0), 40);
  await world.fireSweep();
  await next(world);
  return digest;
}

/** Delivers what waits for shard 0. */
async function next(world: TieringWorld, times = 1): Promise<number> {
  const mine = (await world.takeOutbox()).filter(
    ({ queue, body }) => queue === 'sweep' && (body as SweepShard).shard === 0,
  );
  for (const { body } of mine) for (let time = 0; time < times; time += 1) await world.deliver('sweep', body);
  return mine.length;
}

async function stage(world: TieringWorld, name: 'warming' | 'lifecycle') {
  return (await SweepStageRow.get(world.catalog, String(world.clock.now()), 0, name))?.value;
}

describe('a sweep that may set nothing more going', () => {
  it('ends a stage with one message and no decision, and says how many moves it has left and what they would take', async () => {
    for (const times of [1, 2]) {
      const { world, decided } = await watched(ONE_A_SHARD);
      const idle = await analysed(world);
      await find(world, 1, MANY, {});
      await next(world);
      expect(await stage(world, 'warming')).toMatchObject({ blobs: 0, moves: 0, left: 0 });
      decided.length = 0;
      expect(await next(world, times)).toBe(1);
      expect(new Set(decided)).toEqual(new Set([idle]));
      const ended = await stage(world, 'lifecycle');
      expect(ended).toMatchObject({ blobs: 1, moves: 1, left: MANY });
      expect(ended?.leftUsd).toBeCloseTo(MANY * 0.01, 9);
      expect(await next(world)).toBe(0);
    }
  });

  it('still decides about what takes nothing of it: a change of an account, and a way home that only the budget would hold up', async () => {
    const spent = await watched(ONE_A_SHARD);
    await analysed(spent.world);
    await find(spent.world, 1, MANY, {});
    await find(spent.world, MANY + 1, 2, { price: undefined });
    await next(spent.world);
    for (let messages = 1; messages > 0; ) messages = await next(spent.world);
    expect(spent.world.counted('TierDecided', 'unknown-blob')).toBe(2);
    expect(await stage(spent.world, 'lifecycle')).toMatchObject({ left: MANY });

    const poor = await watched({ sweepBudgetUsd: 0 });
    await analysed(poor.world);
    await find(poor.world, 1, 3, { price: { usd: Usd.parse(5), home: true } });
    await next(poor.world);
    await next(poor.world);
    expect(poor.world.counted('TierDecided', 'unknown-blob')).toBe(3);
    expect(await stage(poor.world, 'lifecycle')).toMatchObject({ moves: 0, left: 1 });
  });

  it('warms without deciding about what does not make reads cheaper, and leaves what it cannot pay to be told once', async () => {
    const { world, decided } = await watched({ sweepBudgetUsd: 0 });
    await analysed(world);
    await find(world, 1, MANY, { warms: true });
    decided.length = 0;
    expect(await next(world)).toBe(1);
    expect(decided).toEqual([]);
    expect(await stage(world, 'warming')).toMatchObject({ blobs: 0, left: 0 });
    await next(world);
    expect(decided).toEqual([]);
    expect(await stage(world, 'lifecycle')).toMatchObject({ moves: 0, left: MANY + 1 });
    expect(world.counted('TierDecided', 'above-budget')).toBe(MANY + 1);
  });

  it('goes over what an earlier delivery has placed without stopping there', async () => {
    const { world } = await watched({});
    await analysed(world);
    const carriedOut = { stage: 'warming' as const, moves: false, placements: 1 };
    await find(world, 1, MANY, { place: true, carriedOut });
    await next(world);
    expect(await stage(world, 'warming')).toMatchObject({ blobs: MANY, placements: MANY });
  });

  it('decides about what an older release has found, which did not say what it takes', async () => {
    const { world } = await watched(ONE_A_SHARD);
    await analysed(world);
    await find(world, 1, 3, { warms: undefined, price: undefined });
    await next(world);
    expect(await stage(world, 'warming')).toMatchObject({ blobs: 3 });
    expect(world.counted('TierDecided', 'unknown-blob')).toBe(3);
  });

  it('counts a move that was set going before the delivery failed, though it has spent the rest', async () => {
    let torn = 0;
    const tearing = (store: CatalogStore): CatalogStore => ({
      ...store,
      transact(changes) {
        const carriesOut = changes.some(
          (change) => change.kind === 'put' && change.item.body['carriedOut'] !== undefined,
        );
        if (!carriesOut || torn > 0) return store.transact(changes);
        torn += 1;
        throw new PortError({ code: 'unavailable', message: 'no answer', retryable: true });
      },
    });
    const world = await createTieringWorld({ catalog: tearing, objects: (store) => store }, 'on', ONE_A_SHARD);
    await analysed(world);
    await next(world);
    await next(world, 2);
    expect(torn).toBe(1);
    expect(await stage(world, 'lifecycle')).toMatchObject({ moves: 1, left: 0 });
  });

  it('has each shard take its turn, where it may set going fewer moves than there are shards', async () => {
    const world = await createTieringWorld(undefined, 'on', { sweepMostMoves: 3 });
    const shards = new Set<number>();
    for (let seed = 0; shards.size < SWEEP_SHARDS; seed += 1) {
      const { digest } = await world.addBlob(seed, 40);
      const shard = shardOf(digest, SWEEP_SHARDS);
      if (shards.has(shard)) await world.forget(digest);
      shards.add(shard);
    }
    for (let day = 0; day < SWEEP_SHARDS; day += 1) {
      await world.fireSweep();
      await world.run();
      await world.clock.advance(DAY_MS);
    }
    const runs = (await listRuns(world.deps, { limit: SWEEP_SHARDS })).items;
    expect(Math.max(...runs.map(({ moves }) => moves))).toBe(3);
    expect(runs.reduce((sum, { moves }) => sum + moves, 0)).toBe(SWEEP_SHARDS);
  });

  it('has the next sweeps go on, until nothing is left, also over the inventory', async () => {
    for (const over of ['messages', 'inventory']) {
      const world = await createTieringWorld(undefined, 'on', ONE_A_SHARD);
      const digests: Digest[] = [];
      for (let seed = 0; seed < 60; seed += 1) digests.push((await world.addBlob(seed, 40)).digest);
      const most = Math.max(
        ...Array.from({ length: SWEEP_SHARDS }, (_, shard) =>
          digests.reduce((sum, digest) => sum + (shardOf(digest, SWEEP_SHARDS) === shard ? 1 : 0), 0),
        ),
      );
      const left: number[] = [];
      for (let day = 0; day < most; day += 1) {
        if (over === 'messages') await world.fireSweep();
        else {
          await sweepInventory(world, digests);
          await endInventory(world);
        }
        await world.run();
        left.push((await listRuns(world.deps, { limit: 1 })).items[0]?.stages?.at(-1)?.left ?? -1);
        await world.clock.advance(DAY_MS);
      }
      expect(left.at(0), over).toBeGreaterThan(30);
      expect(left.at(-1), over).toBe(0);
      expect(left, over).toEqual(left.toSorted((one, other) => other - one));
      const classes = await Promise.all(digests.map(async (digest) => (await world.blob(digest)).origin.storageClass));
      expect(new Set(classes), over).toEqual(new Set(['STANDARD_IA']));
    }
  });
});
