import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  billUsd,
  compileRates,
  isPolicyName,
  knownRate,
  POLICIES,
  replay,
  type ReplayObject,
  replayOptimum,
  type ReplaySetup,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, HOUR_MS } from '../../../lib/shared/units.ts';

const INSTANT = ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR'];
const setup: ReplaySetup = {
  rates: compileRates(shippedPriceBook()),
  classes: [...INSTANT, 'GLACIER', 'DEEP_ARCHIVE'],
  stepMs: DAY_MS,
  waiting: { toleranceMs: 0, usdPerMs: 0 },
};

function object(bytes: number, days: number, reads: Readonly<Record<number, number>>, more?: object): ReplayObject {
  const steps = Object.keys(reads).map(Number);
  return {
    bytes,
    history: { startStep: 0, endStep: days, steps, counts: Object.values(reads), deleted: false },
    ...more,
  };
}

/** Objects whose reads come in bursts, pauses and not at all. */
const anyObject = fc
  .record({
    bytes: fc.constantFrom(1_000, 100_000, 200_000, 20_000_000, 6_000_000_000),
    start: fc.integer({ min: 0, max: 60 }),
    days: fc.integer({ min: 1, max: 700 }),
    gaps: fc.array(
      fc.record({
        gap: fc.oneof(
          fc.integer({ min: 1, max: 5 }),
          fc.integer({ min: 20, max: 130 }),
          fc.constantFrom(30, 31, 90, 91, 200),
        ),
        reads: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 25 },
    ),
    deleted: fc.boolean(),
  })
  .map(({ bytes, start, days, gaps, deleted }): ReplayObject => {
    const steps: number[] = [];
    const counts: number[] = [];
    let day = start - 1;
    for (const { gap, reads } of gaps) {
      day += gap;
      if (day >= start + days) break;
      steps.push(day);
      counts.push(reads);
    }
    return { bytes, history: { startStep: start, endStep: start + days, steps, counts, deleted } };
  });

describe('replay', () => {
  it('never lets a policy beat the offline optimum', () => {
    const waitings = fc.constantFrom(
      { toleranceMs: 0, usdPerMs: 0 },
      { toleranceMs: 48 * HOUR_MS, usdPerMs: 0 },
      { toleranceMs: 12 * HOUR_MS, usdPerMs: 2 / HOUR_MS },
    );
    fc.assert(
      fc.property(fc.array(anyObject, { minLength: 1, maxLength: 4 }), waitings, (objects, waiting) => {
        const optimum = replayOptimum(objects, { ...setup, waiting });
        for (const policy of Object.values(POLICIES)) {
          const usd = billUsd(replay(objects, policy, { ...setup, waiting }).bill);
          expect(usd).toBeGreaterThanOrEqual(optimum * (1 - 1e-9));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('holds the dollar policy within one percent of Intelligent-Tiering, whatever is read', () => {
    fc.assert(
      fc.property(fc.array(anyObject, { minLength: 1, maxLength: 12 }), (objects) => {
        const ours = billUsd(replay(objects, POLICIES['strata-dollars'], setup).bill);
        const tiering = billUsd(replay(objects, POLICIES['intelligent-tiering'], setup).bill);
        expect(ours).toBeLessThanOrEqual(tiering * 1.01 + 1e-9);
      }),
      { numRuns: 300 },
    );
  });

  it('adds the dollars of the steps up to the bill', () => {
    const result = replay([object(6e9, 200, { 0: 2, 50: 1 }), object(1e6, 90, {})], POLICIES['ski-rental'], setup);
    expect(result.usdByStep.reduce((sum, usd) => sum + usd, 0)).toBeCloseTo(billUsd(result.bill), 9);
    expect(result.bill.reads).toBe(3);
  });

  it('keeps objects out of classes that cannot keep the promise', () => {
    const idle = object(6e9, 1200, {});
    const strict = replay([idle], POLICIES['strata-rules'], setup).bill;
    const tolerant = replay([idle], POLICIES['strata-rules'], {
      ...setup,
      waiting: { toleranceMs: 5 * HOUR_MS, usdPerMs: 0 },
    });
    expect(tolerant.bill.moves).toBe(strict.moves + 1);
  });

  it('charges the GPU that waits for a restore', () => {
    const read = object(6e9, 1200, { 1199: 1 });
    const waiting = { toleranceMs: 5 * HOUR_MS, usdPerMs: 6.88 / HOUR_MS };
    const { bill } = replay([read], POLICIES['strata-rules'], { ...setup, waiting });
    expect(bill.waitMs).toBe(5 * HOUR_MS);
    expect(bill.gpuWaitingUsd).toBeCloseTo(5 * 6.88, 9);
  });

  it('saves against Intelligent-Tiering where something is known', () => {
    const retired = object(6e9, 400, { 0: 3 }, { knowledge: { fromStep: 1, forecast: knownRate(0.1 / 365) } });
    const ours = billUsd(replay([retired], POLICIES['strata-dollars'], setup).bill);
    const tiering = billUsd(replay([retired], POLICIES['intelligent-tiering'], setup).bill);
    // Intelligent-Tiering: 30 d at 0.023, 60 d at 0.0125, then 0.004; GLACIER_IR at once: 0.004 throughout.
    expect((tiering - ours) / (6e9 / 2 ** 30)).toBeCloseTo((29 * 0.019 + 60 * 0.0085) * (24 / 730), 3);
  });

  it('knows its policies by name', () => {
    expect(isPolicyName('strata-dollars')).toBe(true);
    expect(isPolicyName('toString')).toBe(false);
  });
});
