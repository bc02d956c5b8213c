import { describe, expect, it } from 'vitest';
import {
  type AllowanceAccount,
  AccessMonthRow,
  AllowanceRow,
  type BlobRisk,
  BlobRow,
  expectationOf,
  queryAll,
  RiskRow,
  shardOf,
  startingWith,
  SWEEP_SHARDS,
} from '../../lib/catalog/index.ts';
import { compileRates, DOLLARS, explainTier, floorUsd, replayTier, TierFacts } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { Digest, type StorageClass } from '../../lib/shared/ids.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../../lib/shared/units.ts';
import { movedRisk } from '../../lib/tiering/riskBook.ts';
import { endInventory, sweepInventory } from '../support/inventory.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const SIZE = 10_000_000_000;

/** A large blob, five years old and read once, three days ago: it will hardly be read again soon, as far as one can learn. */
async function quietBlob(world: TieringWorld, storageClass: StorageClass = 'INTELLIGENT_TIERING'): Promise<Digest> {
  const { digest } = await world.addBlob(1, 1800, storageClass);
  const row = (await BlobRow.get(world.catalog, digest))!;
  const read = EpochMs.parse(world.clock.now() - 3 * DAY_MS);
  const day = new Date(read).toISOString();
  const month = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0, lastAt: read };
  await world.catalog.transact([
    BlobRow.put({ ...row.value, size: Bytes.parse(SIZE) }, expectationOf(row)),
    AccessMonthRow.put(month, 'absent'),
  ]);
  await world.refer(digest, 'flux', '1.0.0');
  return digest;
}

async function giveAllowance(world: TieringWorld, digest: Digest, slack: number): Promise<void> {
  const nothing = Usd.parse(0);
  const account: AllowanceAccount = {
    shard: shardOf(digest, SWEEP_SHARDS),
    shadowUsd: nothing,
    settledUsd: Usd.parse(slack),
    reservedUsd: nothing,
    accruedThrough: world.clock.now(),
  };
  await world.catalog.transact([AllowanceRow.put(account, 'absent')]);
}

/** A dollar each, in shard 3. */
async function reserveForGone({ catalog, clock }: TieringWorld, count: number): Promise<void> {
  const shard = 3;
  const now = clock.now();
  const [nothing, reservedUsd] = [Usd.parse(0), Usd.parse(count)];
  const account = { shard, shadowUsd: nothing, settledUsd: nothing, reservedUsd, accruedThrough: now };
  await catalog.transact([AllowanceRow.put(account, 'absent')]);
  for (let nth = 0; nth < count; nth += 1) {
    const risk: BlobRisk = {
      shard,
      digest: Digest.parse(nth.toString(16).padStart(64, '0')),
      bytes: Bytes.parse(SIZE),
      from: 'INTELLIGENT_TIERING',
      to: 'GLACIER_IR',
      openedAt: now,
      idleMs: 0,
      movedUsd: nothing,
      reservedUsd: Usd.parse(1),
    };
    await catalog.transact([RiskRow.put(risk, 'absent')]);
  }
}

const accountOf = async (world: TieringWorld, digest: Digest) =>
  (await AllowanceRow.get(world.catalog, shardOf(digest, SWEEP_SHARDS)))?.value;
const riskOf = async (world: TieringWorld, digest: Digest) =>
  (await RiskRow.get(world.catalog, shardOf(digest, SWEEP_SHARDS), digest))?.value;

/** A move of another policy, without its bytes. */
async function moveAside({ catalog, clock }: TieringWorld, digest: Digest, storageClass: StorageClass): Promise<void> {
  const row = (await BlobRow.get(catalog, digest))!;
  const now = clock.now();
  const origin = { ...row.value.origin, storageClass, billedSince: now };
  await catalog.transact([
    BlobRow.put({ ...row.value, origin, transitionedAt: now }, expectationOf(row)),
    ...(await movedRisk(catalog, digest, storageClass, now)),
  ]);
}

/** Delivers the sweep's messages, each twice; what they send to transitions is thrown away. */
async function sweepTwice(world: TieringWorld): Promise<void> {
  await world.fireSweep();
  for (let messages = await world.takeOutbox(); messages.length > 0; messages = await world.takeOutbox()) {
    for (const { queue, body } of messages) {
      if (queue !== 'sweep') continue;
      await world.deliver('sweep', body);
      await world.deliver('sweep', body);
    }
  }
}

describe('a move on a learned forecast', () => {
  it('waits for an account that covers what it may lose', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world);
    await giveAllowance(world, digest, 0.01);
    await sweepTwice(world);
    expect(await world.actions(digest)).toEqual([]);
    expect(world.counted('TierDecided', 'allowance-spent')).toBe(2);
    expect(await riskOf(world, digest)).toBeUndefined();
  });

  it('reserves it in the write that decides, once, and its receipt says so and replays', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world);
    await giveAllowance(world, digest, 5);
    await sweepTwice(world);
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ reason: 'cheaper', chosen: 'transition GLACIER_IR' });
    const decision = replayTier(action!.inputs, DOLLARS, rates)!;
    const risk = await riskOf(world, digest);
    expect(risk).toMatchObject({ to: 'GLACIER_IR', reservedUsd: decision.riskUsd });
    expect((await accountOf(world, digest))?.reservedUsd).toBe(decision.riskUsd);
    const { facts, now } = JSON.parse(action!.inputs);
    const text = explainTier(decision, TierFacts.parse(facts), DOLLARS, rates, now);
    expect(text).toMatch(/Nobody promised its reads: it may lose \$1\.\d\d against Intelligent-Tiering, of \$5\.00/);
  });

  it('is over when its blob has left, also where another policy brings that back to the same class', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world);
    await giveAllowance(world, digest, 5);
    await sweepTwice(world);
    const { openedAt, reservedUsd } = (await riskOf(world, digest))!;
    for (const [days, to] of [
      [1, 'GLACIER_IR'],
      [10, 'STANDARD_IA'],
      [100, 'GLACIER_IR'],
    ] as const) {
      await world.clock.advance(days * DAY_MS);
      await moveAside(world, digest, to);
    }
    expect(await riskOf(world, digest)).toMatchObject({ left: { at: openedAt + 11 * DAY_MS, to: 'STANDARD_IA' } });
    expect((await accountOf(world, digest))?.reservedUsd).toBe(reservedUsd);
    await world.clock.advance(DAY_MS);
    await sweepTwice(world);
    expect((await riskOf(world, digest))?.openedAt).not.toBe(openedAt);
    const { settledUsd } = (await accountOf(world, digest))!;
    // A dollar's worth of the way there and back, and of ten days' early deletion; not of the hundred days after it.
    expect(settledUsd).toBeLessThan(5);
    expect(settledUsd).toBeGreaterThan(5 - reservedUsd);
  });

  it('notes in the write of each move whether its blob has come or gone', async () => {
    const world = await createTieringWorld();
    const { digest } = await world.addBlob(1, 40);
    const now = world.clock.now();
    const nothing = Usd.parse(0);
    const shard = shardOf(digest, SWEEP_SHARDS);
    const risk: BlobRisk = {
      shard,
      digest,
      bytes: Bytes.parse(200_000),
      from: 'STANDARD',
      to: 'STANDARD_IA',
      openedAt: now,
      idleMs: 0,
      movedUsd: nothing,
      reservedUsd: nothing,
    };
    await world.catalog.transact([RiskRow.put(risk, 'absent')]);
    const sweptTo = async () => {
      await world.fireSweep();
      await world.run();
      return (await world.blob(digest)).origin.storageClass;
    };
    expect(await sweptTo()).toBe('STANDARD_IA');
    const arrivedAt = (await world.blob(digest)).transitionedAt;
    expect(await riskOf(world, digest)).toEqual({ ...risk, arrivedAt });
    await world.clock.advance(400 * DAY_MS);
    const today = new Date(world.clock.now()).toISOString();
    const misses = { [today.slice(8, 10)]: 2 };
    const counted = { digest, shard: 0, month: today.slice(0, 7), days: misses, misses, hits: 0 };
    const lastAt = world.clock.now();
    await world.catalog.transact([AccessMonthRow.put({ ...counted, lastAt, lastMissAt: lastAt }, 'absent')]);
    expect(await sweptTo()).toBe('GLACIER_IR');
    const left = { at: (await world.blob(digest)).transitionedAt, to: 'GLACIER_IR', readsBefore: 2 };
    expect(await riskOf(world, digest)).toEqual({ ...risk, arrivedAt, left });
  });

  it('counts as lost what was reserved for a blob that is gone', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world);
    await giveAllowance(world, digest, 5);
    await sweepTwice(world);
    const { reservedUsd } = (await riskOf(world, digest))!;
    await world.forget(digest);
    await world.clock.advance(DAY_MS);
    await sweepTwice(world);
    expect(await riskOf(world, digest)).toBeUndefined();
    expect(await accountOf(world, digest)).toMatchObject({ reservedUsd: 0, settledUsd: 5 - reservedUsd });
  });

  it.each([150, 450])(
    'does so for %i that are gone page by page, whatever was delivered twice or lost',
    async (gone) => {
      const pages: number[] = [];
      const torn = { nth: 0 };
      const world = await createTieringWorld(
        {
          objects: (store) => store,
          catalog: (store) => ({
            ...store,
            query: async (query) => {
              const page = await store.query(query);
              if (query.partition.startsWith('ALLOWANCE#')) pages.push(page.items.length);
              return page;
            },
            transact: async (changes) => {
              torn.nth -= 1;
              if (torn.nth === 0) throw new Error('killed');
              return store.transact(changes);
            },
          }),
        },
        'on',
        { tierPolicy: 'dollars' },
      );
      await reserveForGone(world, gone);
      const message = { schema: 'accrue-allowance/1', sweptAt: world.clock.now(), shard: 3, bytes: SIZE };
      let bodies: readonly unknown[] = [{ ...message, correlationId: 'sweep-1' }];
      let kills = 0;
      while (bodies.length > 0) {
        for (const body of bodies) {
          torn.nth = kills < 3 ? 40 : 0;
          if (await world.deliver('sweep', body)) torn.nth = 0;
          else kills += 1;
          expect(await world.deliver('sweep', body)).toBe(true);
          expect(await world.deliver('sweep', body)).toBe(true);
        }
        bodies = (await world.takeOutbox()).map(({ body }) => body);
      }
      expect(kills).toBeGreaterThan(0);
      expect(Math.max(...pages)).toBe(100);
      expect((await AllowanceRow.get(world.catalog, 3))?.value).toMatchObject({ reservedUsd: 0, settledUsd: -gone });
      expect(await queryAll(world.catalog, { partition: 'ALLOWANCE#3', ...startingWith('RISK#') })).toEqual([]);
    },
  );

  it('gives back what was reserved for a move that never came about', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars', sweepMostMoves: 16 });
    const digest = await quietBlob(world);
    await giveAllowance(world, digest, 5);
    await sweepTwice(world);
    await world.clock.advance(3 * DAY_MS);
    await world.refer(digest, 'flux-pinned', '1.0.0', { hold: { reason: 'case 7', since: world.clock.now() } });
    await sweepTwice(world);
    expect(await riskOf(world, digest)).toBeUndefined();
    expect(await accountOf(world, digest)).toMatchObject({ reservedUsd: 0, settledUsd: 5 });
  });
});

describe('the account', () => {
  it('grows by the least that Intelligent-Tiering would charge for the bytes that a sweep saw, once a sweep', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world, 'INTELLIGENT_TIERING');
    await sweepTwice(world);
    expect((await accountOf(world, digest))?.shadowUsd).toBe(0);
    await world.clock.advance(DAY_MS);
    await sweepTwice(world);
    expect((await accountOf(world, digest))?.shadowUsd).toBeCloseTo(floorUsd(rates, SIZE, DAY_MS), 9);
  });

  it('grows as much by a sweep over the inventory, each batch of it counted once, from the next start on', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world);
    const gone = (await world.addBlob(3, 1800, 'INTELLIGENT_TIERING')).digest;
    await sweepTwice(world);
    await world.clock.advance(DAY_MS);
    await sweepInventory(world, [digest, gone], SIZE);
    await world.forget(gone);
    await sweepInventory(world, [gone, digest], SIZE);
    expect((await accountOf(world, digest))?.shadowUsd).toBe(0);
    await world.clock.advance(DAY_MS);
    await sweepTwice(world);
    const shadow = async () => (await accountOf(world, digest))!.shadowUsd;
    const here = await shadow();
    const both = shardOf(gone, SWEEP_SHARDS) === shardOf(digest, SWEEP_SHARDS) ? 2 * SIZE : SIZE;
    // The day that the inventory was swept, then one by messages.
    expect(here).toBeCloseTo(floorUsd(rates, both, DAY_MS) + floorUsd(rates, SIZE, DAY_MS), 9);
    expect(await queryAll(world.catalog, { partition: 'SWEPTBYTES' })).toEqual([]);
    await sweepTwice(world);
    expect(await shadow()).toBe(here);
  });

  it('grows by the end of a sweep over the inventory, and not once more by the next start', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const digest = await quietBlob(world);
    await sweepTwice(world);
    await world.clock.advance(DAY_MS);
    await sweepInventory(world, [digest], SIZE);
    await endInventory(world);
    await world.run();
    const shadow = async () => (await accountOf(world, digest))!.shadowUsd;
    const here = await shadow();
    expect(here).toBeCloseTo(floorUsd(rates, SIZE, DAY_MS), 9);
    expect(await queryAll(world.catalog, { partition: 'SWEPTBYTES' })).toEqual([]);
    await world.fireSweep();
    await world.run();
    expect(await shadow()).toBe(here);
  });

  it('does not grow by bytes that came since the sweep before', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const { digest } = await world.addBlob(1, 6);
    await sweepTwice(world);
    await world.clock.advance(DAY_MS / 2);
    await sweepTwice(world);
    expect((await accountOf(world, digest))?.shadowUsd).toBe(0);
    await world.clock.advance(DAY_MS);
    await sweepTwice(world);
    expect((await accountOf(world, digest))?.shadowUsd).toBeGreaterThan(0);
  });

  it('is never larger for a batch of the inventory that failed', async () => {
    const poison = { digest: '' };
    const failing = (store: CatalogStore): CatalogStore => ({
      ...store,
      get: (key) =>
        key.partition === `BLOB#${poison.digest}` ? Promise.reject(new Error('torn row')) : store.get(key),
    });
    const world = await createTieringWorld({ catalog: failing, objects: (store) => store }, 'on', {
      tierPolicy: 'dollars',
    });
    const digest = await quietBlob(world);
    const { digest: torn } = await world.addBlob(2, 1800);
    poison.digest = torn;
    await expect(sweepInventory(world, [digest, torn], SIZE)).rejects.toThrow('torn row');
    expect(await queryAll(world.catalog, { partition: 'SWEPTBYTES' })).toEqual([]);
  });

  it('is kept neither in a dry run nor by the rules', async () => {
    for (const [mode, tierPolicy] of [
      ['dry-run', 'dollars'],
      ['on', 'rules'],
    ] as const) {
      const world = await createTieringWorld(undefined, mode, { tierPolicy });
      const digest = await quietBlob(world);
      await sweepTwice(world);
      await sweepInventory(world, [digest], SIZE);
      await endInventory(world);
      await world.run();
      await world.clock.advance(DAY_MS);
      await sweepTwice(world);
      expect(await queryAll(world.catalog, { partition: 'SWEPTBYTES' })).toEqual([]);
      expect(await accountOf(world, digest)).toBeUndefined();
    }
  });
});
