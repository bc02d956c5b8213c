import { describe, expect, it } from 'vitest';
import { createWeighing } from '../../../agent/wiring/eviction.ts';
import { combinePriceBooks, hostBooks, shippedPriceBook } from '../../../lib/pricing/index.ts';
import { onDisk, ownBook } from '../../support/ownBooks.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

const HOST = { gpu: 'H100', evictBy: 'dollars', bytesPerSecond: 1e9, ssdWearUsdPerTb: 0.1 } as const;
const GB = 1_000_000_000;
const shipped = shippedPriceBook();

describe('a host weighs what it evicts', () => {
  it('by the prices that its plane has told it, and by the shipped ones until then', () => {
    const { telemetry, records } = recordedTelemetry();
    const { config, usePrices } = createWeighing(HOST, telemetry);
    const before = config.missCost(GB);
    usePrices(hostBooks(shipped));
    expect(config.missCost(GB)).toEqual(before);
    const dear = { source: 'bill', usdPerHour: 20 };
    const fees = { ...onDisk(0.008), retrieval: { instant: { usdPerGb: 0.5, usdPer1000: 0, waitSeconds: 0 } } };
    const own = ownBook({ storage: { STANDARD: fees }, gpus: { H100: dear } });
    usePrices(hostBooks(combinePriceBooks(own, ...shipped.books)));
    const after = config.missCost(GB);
    expect(after.ms).toBe(before.ms);
    expect(after.usd).toBeCloseTo(0.5 + (after.ms / 3_600_000) * 20, 9);
    expect(records.filter(({ event }) => event === 'prices-told')).toHaveLength(1);
  });

  it.each([['no JSON'], ['{}'], ['[{"schema":"strata.prices/1"}]'], [hostBooks(shipped).replace('0.023', '-1')]])(
    'by the prices that it had where it cannot read what it is told: %.40s',
    (told) => {
      const { telemetry, records } = recordedTelemetry();
      const { config, usePrices } = createWeighing(HOST, telemetry);
      const before = config.missCost(GB);
      usePrices(told);
      expect(config.missCost(GB)).toEqual(before);
      expect(records).toMatchObject([{ event: 'prices-not-read', fields: { code: 'invalid-book' } }]);
    },
  );

  it('by the shipped price of its GPU where the books that it is told have none', () => {
    const { config, usePrices } = createWeighing(HOST, recordedTelemetry().telemetry);
    const before = config.missCost(GB);
    usePrices(hostBooks(combinePriceBooks(ownBook())));
    expect(config.missCost(GB).usd).toBeLessThanOrEqual(before.usd);
    expect(config.missCost(GB).usd).toBeGreaterThan(0);
  });

  it('by the prices that it is told also where they lack a class, which keeps its shipped price', () => {
    const { config, usePrices } = createWeighing(HOST, recordedTelemetry().telemetry);
    const before = { hot: config.missCost(GB), cold: config.missCost(GB, 'GLACIER_IR') };
    const books = shipped.books.map(({ storage, gpus, ...book }) => {
      const { GLACIER_IR: _, ...others } = storage;
      return { ...book, storage: others, gpus: gpus.H100 ? { ...gpus, H100: { ...gpus.H100, usdPerHour: 20 } } : gpus };
    });
    usePrices(hostBooks(combinePriceBooks(ownBook(), ...books)));
    expect(config.missCost(GB).usd).toBeGreaterThan(before.hot.usd);
    expect(config.missCost(GB, 'GLACIER_IR')).toEqual(before.cold);
  });

  it('by the class that the origin lies in, and by the speed that fetches had', () => {
    const { config } = createWeighing(HOST, recordedTelemetry().telemetry);
    const near = config.missCost(GB);
    expect(config.missCost(GB, 'STANDARD')).toEqual(near);
    const cold = config.missCost(GB, 'GLACIER_IR');
    // $0.03 a GiB, and a request for 8 MiB at $0.01 a thousand instead of $0.0004.
    expect(cold.usd - near.usd).toBeCloseTo(0.03 * (GB / 2 ** 30) + 120 * (0.01 - 0.0004) * 1e-3, 6);
    expect(cold.ms).toBe(near.ms);
    const slow = config.missCost(GB, 'STANDARD', { bytesPerSecond: 1e8, firstByteMs: 40 });
    expect(slow.ms).toBeCloseTo(10_040, 6);
    expect(slow.usd).toBeGreaterThan(near.usd);
  });

  it('by the prices that it had where a told book has the name of the one that prices its GPU, and has no GPU', () => {
    const { telemetry, records } = recordedTelemetry();
    const { config, usePrices } = createWeighing(HOST, telemetry);
    const before = config.missCost(GB);
    const others = shipped.books.map((book) => ({ ...book, gpus: {} }));
    usePrices(hostBooks(combinePriceBooks(ownBook(), ...others)));
    expect(config.missCost(GB)).toEqual(before);
    expect(records).toMatchObject([{ event: 'prices-not-read', fields: { code: 'unknown-price' } }]);
  });
});
