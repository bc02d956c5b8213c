import { describe, expect, it } from 'vitest';
import { bucketCost, hostCost } from '../../../lib/costs/index.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { combinePriceBooks, shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, EpochMs, GIB, MONTH_MS } from '../../../lib/shared/units.ts';

const RATES = compileRates(shippedPriceBook());
const NOW = EpochMs.parse(Date.UTC(2026, 10, 20));
const daysAgo = (days: number) => NOW - days * DAY_MS;
/** Days of a billed month of 730 hours. */
const MONTH_DAYS = MONTH_MS / DAY_MS;

const copy = (over: Partial<Parameters<typeof bucketCost>[0]>) => ({
  storageClass: 'STANDARD' as const,
  bytes: 10 * GIB,
  billedSince: daysAgo(400),
  idleSince: daysAgo(400),
  reads: 0,
  ...over,
});

describe('what a copy in the bucket costs in a month, by hand from the price list', () => {
  it('is storage alone where nothing is read: 10 GiB × $0.023', () => {
    const cost = bucketCost(copy({}), RATES, NOW);
    expect(cost.storageUsd).toBeCloseTo(0.23, 12);
    expect(cost).toMatchObject({ requestUsd: 0, retrievalUsd: 0, liabilityUsd: 0 });
    expect(cost.freeAt).toBeUndefined();
  });

  it('has the requests and the retrieval of reads: four of 10 GiB in STANDARD_IA at $0.01 and $0.001 a thousand', () => {
    const cost = bucketCost(copy({ storageClass: 'STANDARD_IA', reads: 4 }), RATES, NOW);
    expect(cost.storageUsd).toBeCloseTo(0.125, 12);
    expect(cost.retrievalUsd).toBeCloseTo(0.4, 12);
    expect(cost.requestUsd).toBeCloseTo(0.000004, 12);
  });

  it('bills the minimum size: 1 KiB as 128 KiB in GLACIER_IR', () => {
    const { storageUsd } = bucketCost(copy({ storageClass: 'GLACIER_IR', bytes: 1024 }), RATES, NOW);
    expect(storageUsd).toBeCloseTo((0.004 * 128) / 1024 / 1024, 15);
  });

  it('adds 8 KiB at the STANDARD rate and 32 KiB at its own to what is archived', () => {
    const { storageUsd } = bucketCost(copy({ storageClass: 'DEEP_ARCHIVE' }), RATES, NOW);
    const kib = 1 / 1024 / 1024;
    expect(storageUsd).toBeCloseTo(0.00099 * (10 + 32 * kib) + 0.023 * 8 * kib, 12);
  });

  it('follows Intelligent-Tiering down: idle for 20 days, 10 more at $0.023 and the rest at $0.0125, with its monitoring', () => {
    const place = copy({ storageClass: 'INTELLIGENT_TIERING', idleSince: daysAgo(20) });
    const { storageUsd } = bucketCost(place, RATES, NOW);
    const expected = (10 * (0.023 * 10 + 0.0125 * (MONTH_DAYS - 10))) / MONTH_DAYS + 0.0025 / 1000;
    expect(storageUsd).toBeCloseTo(expected, 12);
  });

  it('tells what leaving early would charge, and until when', () => {
    const cost = bucketCost(copy({ storageClass: 'GLACIER_IR', billedSince: daysAgo(60) }), RATES, NOW);
    expect(cost.liabilityUsd).toBeCloseTo((10 * 0.004 * 30) / MONTH_DAYS, 12);
    expect(cost.freeAt).toBe(NOW + 30 * DAY_MS);
  });
});

describe('what a copy on a host costs', () => {
  it('is the rent of its place: 5 GB of NVMe at $0.02 an hour', () => {
    expect(hostCost('nvme', 5_000_000_000, RATES).storageUsd).toBeCloseTo(5 * 0.02 * 730, 9);
  });

  it('is an error that names what has no price', () => {
    const { books } = shippedPriceBook();
    const bucketOnly = compileRates(combinePriceBooks(...books.filter(({ id }) => id === 'aws/us-east-1')));
    const named = (text: string) =>
      expect.objectContaining({ code: 'unknown-price', message: expect.stringContaining(text) });
    expect(() => hostCost('nvme', 1, bucketOnly)).toThrow(named('nvme'));
    expect(() => hostCost('tape', 1, RATES)).toThrow(named('tape'));
    const hostsOnly = compileRates(combinePriceBooks(...books.filter(({ id }) => id === 'reference')));
    const cold = copy({ storageClass: 'GLACIER_IR' });
    expect(() => bucketCost(cold, hostsOnly, NOW)).toThrow(named('GLACIER_IR'));
  });
});
