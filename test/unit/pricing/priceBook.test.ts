import { describe, expect, it } from 'vitest';
import {
  combinePriceBooks,
  gpuPrice,
  hostTierPrice,
  PricingError,
  parsePriceBook,
  priceAgeDays,
  shippedPriceBook,
  storagePrice,
  transferPrice,
  workerPrice,
} from '../../../lib/pricing/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';

const prices = shippedPriceBook();

const tinyBook = (over: object = {}): unknown => ({
  schema: 'strata.prices/1',
  id: 'own/rack-1',
  provider: 'own',
  region: 'rack-1',
  asOf: '2026-11-01',
  gbBytes: 1_000_000_000,
  sources: { invoice: { note: 'disks over five years' } },
  storage: {},
  hostTiers: { nvme: { source: 'invoice', usdPerGbHour: 0.0001 } },
  gpus: {},
  transfer: {},
  ...over,
});

describe('the price book', () => {
  it('names a source that it lists for every price', () => {
    const orphan = tinyBook({ gpus: { H100: { source: 'hearsay', usdPerHour: 2 } } });
    expect(() => parsePriceBook(orphan)).toThrow('source');
  });

  it('treats an unknown price as an error, never as zero', () => {
    for (const look of [
      () => storagePrice(prices, 'PLATINUM'),
      () => hostTierPrice(combinePriceBooks(parsePriceBook(tinyBook())), 'gpu'),
      () => gpuPrice(prices, 'B9000'),
      () => transferPrice(prices, 'moon'),
      () => workerPrice(prices, 'abacus'),
    ]) {
      expect(look).toThrow(PricingError);
      expect(look).toThrow(/No price for .* in .*@2026/);
    }
  });

  it('lets the first book answer, with its own gigabyte', () => {
    const own = combinePriceBooks(parsePriceBook(tinyBook()), ...prices.books);
    expect(hostTierPrice(own, 'nvme').price.usdPerGbHour).toBe(0.0001);
    expect(hostTierPrice(own, 'ram').price.usdPerGbHour).toBe(0.1);
    expect(storagePrice(own, 'STANDARD').book.gbBytes).toBe(2 ** 30);
    expect(own.id).toBe('own/rack-1@2026-11-01+aws/us-east-1@2026-11-20+cloudflare/r2@2026-11-20+reference@2026-11-20');
  });

  it('refuses a misspelt field instead of ignoring it', () => {
    expect(() => parsePriceBook(tinyBook({ regions: 'x' }))).toThrow(PricingError);
  });

  it('knows its age by the oldest book that comes from the web', () => {
    const now = Date.parse('2026-11-29');
    expect(priceAgeDays(prices, now)).toBe(9);
    expect(priceAgeDays(prices, now - 30 * DAY_MS)).toBe(0);
    expect(priceAgeDays(combinePriceBooks(parsePriceBook(tinyBook())), now)).toBe(0);
  });

  it('has every class of the catalog, and a restore or an instant read for each', () => {
    for (const storageClass of [
      'STANDARD',
      'INTELLIGENT_TIERING',
      'STANDARD_IA',
      'GLACIER_IR',
      'GLACIER',
      'DEEP_ARCHIVE',
    ]) {
      const { price } = storagePrice(prices, storageClass);
      expect(Object.keys(price.retrieval).length).toBeGreaterThan(0);
    }
  });
});
