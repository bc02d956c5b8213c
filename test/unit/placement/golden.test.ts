import { describe, expect, it } from 'vitest';
import { earlyDeletionUsd, storageUsd } from '../../../lib/placement/bill.ts';
import { compileRates, fasterFeeUsd } from '../../../lib/placement/index.ts';
import {
  gpuPrice,
  hostTierPrice,
  shippedPriceBook,
  storagePrice,
  transferPrice,
  volumeUsd,
} from '../../../lib/pricing/index.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';
import examples from './golden.json' with { type: 'json' };

const prices = shippedPriceBook();

/** One line of an example's bill. The fields that it needs depend on its charge. */
interface Line {
  charge: string;
  storageClass?: string;
  bytes?: number;
  count?: number;
  days?: number;
  monthDays?: number;
  idleDays?: number;
  heldDays?: number;
  tier?: string;
  underWay?: string;
  parts?: { bytes: number; days: number }[];
  gpu?: string;
  seconds?: number;
  hours?: number;
  route?: string;
  sign?: number;
}

const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the example lacks a field');
  return value;
};

const CHARGES: Record<string, (line: Line) => number> = {
  storage: (line) => {
    const rates = compileRates(prices, { monthMs: need(line.monthDays) * DAY_MS }).of(need(line.storageClass));
    const one = storageUsd(rates, need(line.bytes), need(line.days) * DAY_MS, (line.idleDays ?? 0) * DAY_MS);
    return one * need(line.count) * (line.sign ?? 1);
  },
  volume: (line) => {
    const { price, book } = storagePrice(prices, need(line.storageClass));
    const gbMonths = need(line.parts).reduce(
      (sum, part) => sum + (part.bytes * part.days) / book.gbBytes / need(line.monthDays),
      0,
    );
    return volumeUsd(price, gbMonths);
  },
  put: (line) => compileRates(prices).of(need(line.storageClass)).putUsd * need(line.count),
  get: (line) => compileRates(prices).of(need(line.storageClass)).getUsd * need(line.count),
  transition: (line) => compileRates(prices).of(need(line.storageClass)).transitionInUsd * need(line.count),
  retrieval: (line) => {
    const rates = compileRates(prices).of(need(line.storageClass));
    if (rates.instant) return need(line.bytes) * rates.retrievalUsdPerByte;
    const restore = need(rates.restores.find((one) => one.tier === line.tier));
    return need(line.count) * restore.usdPerRequest + need(line.bytes) * restore.usdPerByte;
  },
  'faster-retrieval': (line) => {
    const { restores } = compileRates(prices).of(need(line.storageClass));
    const restore = (tier: string | undefined) => need(restores.find((one) => one.tier === tier));
    return need(line.count) * fasterFeeUsd(need(line.bytes), restore(line.underWay), restore(line.tier));
  },
  'early-deletion': (line) => {
    const rates = compileRates(prices, { monthMs: need(line.monthDays) * DAY_MS }).of(need(line.storageClass));
    return need(line.count) * earlyDeletionUsd(rates, need(line.bytes), need(line.heldDays) * DAY_MS);
  },
  host: (line) => {
    const { price, book } = hostTierPrice(prices, need(line.tier) as 'nvme');
    return (need(line.bytes) / book.gbBytes) * price.usdPerGbHour * need(line.hours);
  },
  gpu: (line) => (gpuPrice(prices, need(line.gpu)).price.usdPerHour * need(line.seconds)) / 3600,
  transfer: (line) => {
    const { price, book } = transferPrice(prices, need(line.route));
    return (need(line.bytes) / book.gbBytes) * price.usdPerGb;
  },
};

describe('the golden table', () => {
  it('has at least 40 examples, each with its source and its working', () => {
    expect(examples.length).toBeGreaterThanOrEqual(40);
    for (const { source, working } of examples) expect(Math.min(source.length, working.length)).toBeGreaterThan(3);
  });

  // A cent of a cent, as absolute as the requirement says; amounts above it are matched relatively as well.
  it.each(examples)('$name: $usd', ({ usd, lines }) => {
    const billed = (lines as Line[]).reduce((sum, line) => sum + need(CHARGES[line.charge])(line), 0);
    expect(Math.abs(billed - usd)).toBeLessThan(Math.max(1e-9 * usd, 1e-12));
  });
});
