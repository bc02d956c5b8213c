import { describe, expect, it } from 'vitest';
import { createRefreshPricesHandler } from '../../functions/refresh-prices/handler.ts';
import { PriceBookRow, PricesInForceRow, ReportedPricesRow } from '../../lib/catalog/index.ts';
import { compileRates, replayTier, TIER_RULES } from '../../lib/placement/index.ts';
import { acceptPrices, pricesNamed, readPrices } from '../../lib/priceBooks/index.ts';
import { type OfferCode, parsePriceBook, PricingError, shippedPriceBook } from '../../lib/pricing/index.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { testContext } from '../support/envelopes.ts';
import { createTieringWorld } from '../support/tieringWorld.ts';
import { OFFERS } from '../unit/pricing/offers.ts';

const ID = 'aws/us-east-1';
const START = Date.parse('2026-11-22T01:30:00Z');

/** Lists that say what the shipped book says, until they are changed. */
async function setUp() {
  const world = await createTieringWorld();
  await world.clock.advance(START - world.clock.now());
  const offers: Record<OfferCode, string> = { ...OFFERS };
  let unreachable = false;
  const priceLists = {
    read: async (code: OfferCode) => {
      if (unreachable) {
        throw new PricingError({ code: 'list-unreachable', message: 'no answer came', retryable: true });
      }
      return offers[code];
    },
  };
  const deps = { ...world.deps, priceLists };
  const fire = (over: object = {}) =>
    createRefreshPricesHandler({ ...deps, ...over })(
      { schedule: 'refresh-prices', scheduledTime: new Date(world.clock.now()).toISOString() },
      testContext(),
    );
  return {
    world,
    deps,
    fire,
    offers,
    setReachable: (reachable: boolean) => {
      unreachable = !reachable;
    },
    /** What STANDARD_IA costs from now on, by the lists. */
    infrequentCosts: (usd: string) => {
      offers.AmazonS3 = OFFERS.AmazonS3.replace(/"0\.0125000000"/g, `"${usd}"`);
    },
    ageDays: () => world.metrics.filter(({ name }) => name === 'PriceAge').at(-1)!.value / DAY_MS,
    logged: (event: string) => world.records.filter((one) => one.event === event),
  };
}

describe('the refresh of prices', () => {
  it('keeps the book that the lists confirm, and its age begins anew', async () => {
    const plane = await setUp();
    await plane.fire();
    expect((await PricesInForceRow.get(plane.world.catalog, ID))?.value).toMatchObject({
      asOf: '2026-11-20',
      checkedAt: START,
    });
    expect(plane.ageDays()).toBe(0);
    expect((await readPrices(plane.deps)).prices.id).toBe(shippedPriceBook().id);
  });

  it('reports a list in which only requests became dear that were free', async () => {
    const plane = await setUp();
    const list = JSON.parse(OFFERS.AmazonS3);
    const sku = Object.keys(list.products).find((one) => list.products[one].attributes.usagetype === 'Requests-Tier5')!;
    const terms = list.terms.OnDemand[sku];
    for (const term of Object.keys(terms)) {
      const dimensions = terms[term].priceDimensions;
      for (const one of Object.keys(dimensions)) dimensions[one].pricePerUnit.USD = '900';
    }
    plane.offers.AmazonS3 = JSON.stringify(list);
    await plane.fire();
    expect(plane.logged('prices-reported')[0]?.fields).toMatchObject({ beyond: 1 });
    expect(await PricesInForceRow.get(plane.world.catalog, ID)).toBeUndefined();
    expect(plane.logged('price-changed')[0]?.fields).toMatchObject({
      item: 'GLACIER bulk restore',
      before: 0,
      after: 900_000,
    });
  });

  it.each(['with lists', 'without lists'])('keeps every book that decides, once, %s', async (how) => {
    const plane = await setUp();
    const over = how === 'with lists' ? {} : { priceLists: undefined };
    await plane.fire(over);
    await plane.fire(over);
    for (const book of shippedPriceBook().books) {
      const kept = await PriceBookRow.get(plane.world.catalog, book.id, book.asOf);
      expect(JSON.parse(kept!.value.json)).toEqual(book);
    }
  });

  it('takes other prices over: the next sweep decides by them, and every receipt replays with the book of its day', async () => {
    const plane = await setUp();
    const { world } = plane;
    const before = await world.addBlob(1, 40);
    await world.fireSweep();
    await world.run();
    plane.infrequentCosts('0.0150000000');
    await plane.fire();
    expect(plane.logged('price-changed')[0]?.fields).toEqual(
      expect.objectContaining({ item: 'INTELLIGENT_TIERING after 30 idle days', before: 0.0125, after: 0.015 }),
    );
    await world.clock.advance(DAY_MS);
    const after = await world.addBlob(2, 40);
    await world.fireSweep();
    await world.run();
    const named: string[] = [];
    for (const [blob, usd] of [
      [before, 0.0125],
      [after, 0.015],
    ] as const) {
      const [action] = await world.actions(blob.digest);
      const [policy, id = ''] = action!.policy.split(' ');
      expect(policy).toBe('rules-2');
      const prices = await pricesNamed(world.catalog, id);
      expect(prices?.books[0]?.storage['STANDARD_IA']?.usdPerGbMonth).toBe(usd);
      const replayed = replayTier(action!.inputs, TIER_RULES, compileRates(prices!));
      const ofReceipt = action!.alternatives.find((one) => one.action === 'transition STANDARD_IA');
      const again = replayed!.alternatives.find(({ storageClass }) => storageClass === 'STANDARD_IA')!;
      expect(again.usdPerMonth).toBe(ofReceipt?.parts?.['month']);
      expect(again.usdPerMonth / usd).toBeCloseTo(200_000 / 2 ** 30, 9);
      named.push(id.split('+')[0]!);
    }
    expect(named).toEqual(['aws/us-east-1@2026-11-20', 'aws/us-east-1@2026-11-22']);
    expect(await pricesNamed(world.catalog, 'aws/us-east-1@2020-01-01')).toBeUndefined();
  });

  it('reports what moved too far, takes it over only when it is accepted, and forgets it when the lists do', async () => {
    const plane = await setUp();
    const { world, deps } = plane;
    plane.infrequentCosts('0.0001000000');
    await plane.fire();
    await plane.fire();
    const inForce = async () => (await readPrices(deps)).book.storage['STANDARD_IA']!.usdPerGbMonth;
    expect(await inForce()).toBe(0.0125);
    expect(plane.logged('prices-reported')[0]).toMatchObject({ level: 'warn', fields: { beyond: 2 } });
    expect(plane.ageDays()).toBeCloseTo((START - Date.parse('2026-11-20')) / DAY_MS);
    const reported = (await ReportedPricesRow.get(world.catalog, ID))!;
    const book = parsePriceBook(JSON.parse(reported.value.json));
    const accept = (over: object = {}) => acceptPrices(deps, { book, by: 'ada', dryRun: false, ...over });
    expect((await accept({ dryRun: true })).beyond).toHaveLength(2);
    expect(await inForce()).toBe(0.0125);
    await accept();
    await accept();
    expect(await inForce()).toBe(0.0001);
    expect((await PricesInForceRow.get(world.catalog, ID))?.value.takenBy).toBe('ada');
    expect(await ReportedPricesRow.get(world.catalog, ID)).toBeUndefined();
    await world.clock.advance(DAY_MS);
    plane.infrequentCosts('0.0125000000');
    await plane.fire();
    expect(await inForce()).toBe(0.0001);
    plane.infrequentCosts('0.0001000000');
    await plane.fire();
    expect(await ReportedPricesRow.get(world.catalog, ID)).toBeUndefined();
  });

  it('refuses to accept what would give one name to two books, and books of other regions', async () => {
    const plane = await setUp();
    plane.infrequentCosts('0.0130000000');
    await plane.fire();
    const { book } = await readPrices(plane.deps);
    const twin = structuredClone(book);
    twin.storage['STANDARD_IA']!.usdPerGbMonth = 0.02;
    const other = { ...book, id: 'aws/eu-west-1' };
    for (const wrong of [twin, other, { ...shippedPriceBook().books[0]!, gpus: {} }]) {
      for (const dryRun of [true, false]) {
        await expect(acceptPrices(plane.deps, { book: wrong, by: 'ada', dryRun })).rejects.toMatchObject({
          code: 'book-not-taken',
        });
      }
    }
  });

  it('refuses to accept a book without a class that is in force, and one of the future', async () => {
    const plane = await setUp();
    const { book } = await readPrices(plane.deps);
    const accept = (change: object, deps = plane.deps) =>
      acceptPrices(deps, { book: { ...book, ...change }, by: 'ada', dryRun: true });
    const { STANDARD: _standard, ...archives } = book.storage;
    const { EXPRESS_ONEZONE: _express, ...everywhere } = book.storage;
    await expect(accept({ asOf: '2026-11-23', storage: archives })).rejects.toThrow('it has no prices of STANDARD,');
    await expect(accept({ asOf: '2026-11-23', storage: everywhere })).rejects.toThrow('EXPRESS_ONEZONE');
    await expect(accept({ asOf: '2026-11-24' })).rejects.toThrow('more than a day ahead');
    expect((await accept({ asOf: '2026-11-23' })).changes).toEqual([]);
    const abroad = { ...plane.deps, settings: { ...plane.deps.settings, priceRegion: 'eu-west-1' } };
    const first = { id: 'aws/eu-west-1', asOf: '2026-11-23' };
    expect((await accept({ ...first, storage: everywhere }, abroad)).beyond).toEqual([]);
    await expect(accept({ ...first, storage: archives }, abroad)).rejects.toThrow('STANDARD');
  });

  it('does not fail when the lists cannot be reached or read: the age grows, and the log says why', async () => {
    const plane = await setUp();
    await plane.fire();
    plane.setReachable(false);
    await plane.world.clock.advance(8 * DAY_MS);
    await plane.fire();
    expect(plane.ageDays()).toBe(8);
    plane.setReachable(true);
    plane.offers.AmazonS3 = OFFERS.AmazonS3.replaceAll('Retrieval-GIR', 'Retrieval-XYZ');
    await plane.fire();
    expect(plane.logged('price-list-not-read').map(({ fields }) => fields?.['code'])).toEqual([
      'list-unreachable',
      'missing-price',
    ]);
    expect(plane.ageDays()).toBe(8);
  });

  it('without lists tells the age and nothing else', async () => {
    const plane = await setUp();
    await plane.fire({ priceLists: undefined });
    expect(plane.world.records).toEqual([]);
    expect(plane.ageDays()).toBeGreaterThan(2);
    expect(await PricesInForceRow.get(plane.world.catalog, ID)).toBeUndefined();
  });

  it('ends in one book however often it runs at once', async () => {
    const plane = await setUp();
    plane.infrequentCosts('0.0130000000');
    await Promise.all(Array.from({ length: 5 }, () => plane.fire()));
    const row = await PricesInForceRow.get(plane.world.catalog, ID);
    expect(row?.value.asOf).toBe('2026-11-22');
    const { items } = await plane.world.catalog.query({ partition: `PRICES#${ID}`, limit: 10 });
    expect(items.map(({ key }) => key.sort)).toEqual(['BOOK#2026-11-20', 'BOOK#2026-11-22', 'INFORCE']);
  });

  it('takes a second book of a day over only on the next one, also when the clock goes back', async () => {
    const plane = await setUp();
    plane.infrequentCosts('0.0130000000');
    await plane.fire();
    plane.infrequentCosts('0.0140000000');
    await plane.fire();
    await plane.world.clock.advance(-3 * DAY_MS);
    await plane.fire();
    const usd = async () => (await readPrices(plane.deps)).book.storage['STANDARD_IA']!.usdPerGbMonth;
    expect(await usd()).toBe(0.013);
    await plane.world.clock.advance(4 * DAY_MS);
    await plane.fire();
    expect(await usd()).toBe(0.014);
  });

  it('lets the shipped book answer where the stored one cannot be read, or is older than the release', async () => {
    const plane = await setUp();
    const { catalog } = plane.world;
    const row = {
      id: ID,
      asOf: '2026-11-21',
      json: '{"not":"a book"}',
      checkedAt: plane.world.clock.now(),
      takenBy: 'x',
    };
    await catalog.transact([PricesInForceRow.put(row, 'absent')]);
    expect((await readPrices(plane.deps)).prices.id).toBe(shippedPriceBook().id);
    expect(plane.logged('prices-unreadable')).toHaveLength(1);
    await plane.fire();
    expect((await PricesInForceRow.get(catalog, ID))?.value.json).toContain('strata.prices/1');
    const old = structuredClone(shippedPriceBook().books[0]!);
    old.storage['STANDARD']!.usdPerGbMonth = 1;
    const { version } = (await PricesInForceRow.get(catalog, ID))!;
    const stale = { ...row, json: JSON.stringify(old), checkedAt: Date.parse('2026-11-19') as typeof row.checkedAt };
    await catalog.transact([PricesInForceRow.put(stale, { version })]);
    expect((await readPrices(plane.deps)).book.storage['STANDARD']!.usdPerGbMonth).toBe(0.023);
  });
});
