import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CompressionTerms,
  decideCompressionByDollars,
  decideCompressionByRule,
} from '../../../lib/compression/decideCompression.ts';

describe('the rule preset', () => {
  it.each([
    [100_000_000, 0.5, 'keep', 'small'],
    [100_000_001, 0.7, 'keep', 'hardly-smaller'],
    [100_000_001, 0.699, 'compress', 'compressible'],
  ] as const)('says of %d bytes that get to %d: %s, %s', (bytes, ratio, action, reason) => {
    expect(decideCompressionByRule({ bytes, ratio })).toEqual({ action, reason, saving: 1 - ratio });
  });
});

/** 100 GB in STANDARD for a year, a GPU hour of $3.60: a second is a tenth of a cent. */
const TERMS: CompressionTerms = {
  usdPerGbMonth: 0.023,
  gbBytes: 1e9,
  months: 12,
  readsPerMonth: 10,
  usdPerHour: 3.6,
  packBytesPerSecond: 100e6,
  unpackBytesPerSecond: 200e6,
  fetchBytesPerSecond: 1e9,
};

describe('the dollars of compressing', () => {
  it('are GB-months saved, less seconds of packing, less seconds that readers wait longer', () => {
    const { usd, ...decision } = decideCompressionByDollars({ bytes: 100e9, ratio: 0.67 }, TERMS);
    expect(decision).toMatchObject({ action: 'keep', reason: 'costs-more' });
    // 33 GB × $0.023 × 12; 1,000 s; (100 s − 500 s) × 120 reads.
    expect(usd?.storage).toBeCloseTo(9.108, 6);
    expect(usd?.packing).toBeCloseTo(-1, 6);
    expect(usd?.waiting).toBeCloseTo(-48, 6);
    expect(usd?.net).toBeCloseTo(-39.892, 6);
  });

  it('pay where nobody reads, and where the network is slower than the codec', () => {
    const facts = { bytes: 100e9, ratio: 0.67 };
    expect(decideCompressionByDollars(facts, { ...TERMS, readsPerMonth: 0 })).toMatchObject({ action: 'compress' });
    const slow = decideCompressionByDollars(facts, { ...TERMS, fetchBytesPerSecond: 100e6 });
    // 1,000 s become 670 s, 120 times.
    expect(slow.usd?.waiting).toBeCloseTo(39.6, 6);
    expect(slow).toMatchObject({ action: 'compress', reason: 'pays' });
  });

  it('never pay for what does not get smaller', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e12 }),
        fc.nat(1000),
        fc.integer({ min: 1, max: 1e10 }),
        (bytes, reads, fetch) => {
          const terms = { ...TERMS, readsPerMonth: reads, fetchBytesPerSecond: fetch };
          expect(decideCompressionByDollars({ bytes, ratio: 1 }, terms)).toMatchObject({ action: 'keep' });
        },
      ),
    );
  });
});
