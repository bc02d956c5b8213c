import { describe, expect, it } from 'vitest';
import { AccessMonthRow, BlobRow, expectationOf, TierPolicyRow } from '../../lib/catalog/index.ts';
import { showPrices } from '../../lib/operations/prices.ts';
import { showTierPolicy } from '../../lib/operations/tierPolicy.ts';
import { compileRates, replayTier, TIER_RULES } from '../../lib/placement/index.ts';
import { createPricesInForce, ownBookSettings, pricesNamed } from '../../lib/priceBooks/index.ts';
import type { PriceBookFile } from '../../lib/pricing/index.ts';
import { Bytes, DAY_MS } from '../../lib/shared/units.ts';
import { onDisk, ownBook } from '../support/ownBooks.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const TWO = { storage: { STANDARD: onDisk(0.008), STANDARD_IA: onDisk(0.004) } };

/** A plane with one blob of 10 GB that nobody has read for 500 days: the rules of AWS name GLACIER_IR for it. */
async function coldWorld(book?: PriceBookFile) {
  const world = await createTieringWorld(undefined, 'on', ownBookSettings(book));
  const { digest } = await world.addBlob(1, 500);
  const row = (await BlobRow.get(world.catalog, digest))!;
  await world.catalog.transact([BlobRow.put({ ...row.value, size: Bytes.parse(10_000_000_000) }, expectationOf(row))]);
  return { world, digest };
}

const configure = (world: TieringWorld, book: PriceBookFile): void => {
  Object.assign(world.deps.settings, ownBookSettings(book));
};

/** A day later; what is decided is not carried out. */
async function sweep(world: TieringWorld): Promise<void> {
  await world.clock.advance(DAY_MS);
  await world.fireSweep();
  for (let messages = await world.takeOutbox(); messages.length > 0; messages = await world.takeOutbox()) {
    for (const { queue, body } of messages) if (queue === 'sweep') await world.deliver('sweep', body);
  }
}

const inForce = async ({ catalog }: TieringWorld) => (await TierPolicyRow.get(catalog))?.value;

describe('a price book of the operator', () => {
  it('decides from the first sweep on, among its classes; its receipts name it and replay', async () => {
    const { world, digest } = await coldWorld(ownBook(TWO));
    await sweep(world);
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ chosen: 'transition STANDARD_IA' });
    const [, named = ''] = action!.policy.split(' ');
    expect(named).toMatch(/^own\/minio@2026-11-21\+aws\/us-east-1@/);
    const prices = await pricesNamed(world.catalog, named);
    const again = replayTier(action!.inputs, TIER_RULES, compileRates(prices!));
    expect(again).toMatchObject({ to: 'STANDARD_IA', missing: 'GLACIER_IR' });
    expect(again?.alternatives.map(({ storageClass }) => storageClass).sort()).toEqual(['STANDARD', 'STANDARD_IA']);
    expect(await inForce(world)).toMatchObject({ settings: { priceBook: 'own/minio@2026-11-21' } });
  });

  it('of one class leaves everything where it is', async () => {
    const { world, digest } = await coldWorld(ownBook());
    await sweep(world);
    expect(await world.actions(digest)).toEqual([]);
    expect(await showPrices(world.deps)).toMatchObject({ classes: ['STANDARD'] });
  });

  it('decides only after a whole sweep has looked at it where another decided before', async () => {
    const { world, digest } = await coldWorld(ownBook());
    await sweep(world);
    configure(world, ownBook({ ...TWO, asOf: '2026-11-22' }));
    const rates = createPricesInForce(world.deps);
    await sweep(world);
    expect(await inForce(world)).toMatchObject({
      settings: { priceBook: 'own/minio@2026-11-21' },
      change: { settings: { priceBook: 'own/minio@2026-11-22' } },
    });
    expect((await rates()).prices.id).toMatch(/^own\/minio@2026-11-21\+/);
    expect(await world.actions(digest)).toEqual([]);
    expect((await showTierPolicy(world.deps)).items).toMatchObject([
      { wantedSettings: { priceBook: 'own/minio@2026-11-22' }, reach: { objects: 1, changed: 1, caught: 0 } },
    ]);
    await sweep(world);
    expect((await rates()).prices.id).toMatch(/^own\/minio@2026-11-22\+/);
    expect(await world.actions(digest)).toMatchObject([{ chosen: 'transition STANDARD_IA' }]);
  });

  it('is refused while it would make dearer to read what is in use, and the one before decides', async () => {
    const { world, digest } = await coldWorld(ownBook());
    await sweep(world);
    const day = new Date(world.clock.now()).toISOString();
    const month = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0 };
    await world.catalog.transact([AccessMonthRow.put({ ...month, lastAt: world.clock.now() }, 'absent')]);
    const dear = { ...onDisk(0.004), retrieval: { instant: { usdPerGb: 0.05, usdPer1000: 0, waitSeconds: 0 } } };
    configure(world, ownBook({ storage: { STANDARD: onDisk(0.008), STANDARD_IA: dear }, asOf: '2026-11-22' }));
    await sweep(world);
    await sweep(world);
    expect(await inForce(world)).toMatchObject({
      settings: { priceBook: 'own/minio@2026-11-21' },
      refused: { reach: { caught: 1, examples: [digest] } },
    });
    expect((await createPricesInForce(world.deps)()).prices.id).toMatch(/^own\/minio@2026-11-21\+/);
  });

  it('is taken out of force the same way, and the region decides again', async () => {
    const { world, digest } = await coldWorld(ownBook());
    await sweep(world);
    Object.assign(world.deps.settings, { ownBook: undefined, priceBook: undefined });
    await sweep(world);
    expect((await createPricesInForce(world.deps)()).prices.id).toMatch(/^own\/minio@/);
    await sweep(world);
    expect((await createPricesInForce(world.deps)()).prices.id).toMatch(/^aws\/us-east-1@/);
    expect(await world.actions(digest)).toMatchObject([{ chosen: 'transition GLACIER_IR' }]);
  });

  it('keeps its name: other prices under it are refused, and what is kept decides', async () => {
    const { world } = await coldWorld(ownBook());
    await sweep(world);
    configure(world, ownBook(TWO));
    await expect(sweep(world)).rejects.toThrow('own/minio@2026-11-21 names other prices already');
    expect((await createPricesInForce(world.deps)()).classes).toEqual(['STANDARD']);
  });
});
