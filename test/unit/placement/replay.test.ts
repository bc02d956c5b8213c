import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  billUsd,
  canRun,
  compileRates,
  isPolicyName,
  type Knowledge,
  knownRate,
  POLICIES,
  replay,
  type ReplayObject,
  replayOptimum,
  type ReplaySetup,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { allowedClasses } from '../../../lib/placement/objectCosts.ts';
import { GRACE_SECONDS } from '../../../lib/tiering/oldOrigin.ts';
import { OLD_COPY_MS } from '../../../lib/placement/planeMove.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../../lib/shared/units.ts';

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

/** True or not. */
const anyFact: fc.Arbitrary<Knowledge['fact']> = fc.oneof(
  fc.constantFrom(0, 0.003, 1).map((rate) => ({ kind: 'rate' as const, forecast: knownRate(rate) })),
  fc.record({ kind: fc.constantFrom('next-read' as const, 'end' as const), step: fc.integer({ min: 0, max: 800 }) }),
);

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
    knowledge: fc.array(fc.record({ fromStep: fc.integer({ min: 0, max: 700 }), fact: anyFact }), { maxLength: 3 }),
    /** Whether every read was announced. */
    announced: fc.boolean(),
    toleranceMs: fc.constantFrom(undefined, 0, 12 * HOUR_MS),
  })
  .map(({ bytes, start, days, gaps, deleted, knowledge, announced, toleranceMs }): ReplayObject => {
    const steps: number[] = [];
    const counts: number[] = [];
    let day = start - 1;
    for (const { gap, reads } of gaps) {
      day += gap;
      if (day >= start + days) break;
      steps.push(day);
      counts.push(reads);
    }
    const history = { startStep: start, endStep: start + days, steps, counts, deleted };
    const dates = steps.map((step): Knowledge => ({ fromStep: 0, fact: { kind: 'next-read', step } }));
    const known = [...knowledge, ...(announced ? dates : [])];
    return { bytes, history, knowledge: known.toSorted((one, other) => one.fromStep - other.fromStep), toleranceMs };
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

  it('plays among the classes that there are, whichever those are', () => {
    const some = fc.subarray(setup.classes.filter((one) => one !== 'STANDARD')).map((more) => ['STANDARD', ...more]);
    fc.assert(
      fc.property(fc.array(anyObject, { minLength: 1, maxLength: 3 }), some, (objects, classes) => {
        const among = { ...setup, classes };
        const optimum = replayOptimum(objects, among);
        const names = Object.keys(POLICIES).filter(isPolicyName);
        expect(names.filter((name) => !canRun(name, classes))).toEqual(
          classes.includes('INTELLIGENT_TIERING') ? [] : ['intelligent-tiering'],
        );
        for (const name of names.filter((one) => canRun(one, classes))) {
          expect(billUsd(replay(objects, POLICIES[name], among).bill)).toBeGreaterThanOrEqual(optimum * (1 - 1e-9));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('with one announced read costs at most 5 % more than the best of all plans that know it too', () => {
    const cases = fc.record({
      bytes: fc.constantFrom(100_000, 20_000_000, 6_000_000_000, 400_000_000_000),
      day: fc.integer({ min: 1, max: 500 }),
      toleranceMs: fc.constantFrom(0, 12 * HOUR_MS),
    });
    fc.assert(
      fc.property(cases, ({ bytes, day, toleranceMs }) => {
        const history = { startStep: 0, endStep: day + 1, steps: [day], counts: [1], deleted: true };
        const waiting = { toleranceMs, usdPerMs: 0 };
        const among = { ...setup, waiting };
        const knowledge: Knowledge[] = [{ fromStep: 0, fact: { kind: 'next-read', step: day } }];
        const ours = billUsd(replay([{ bytes, history, knowledge }], POLICIES['strata-dollars'], among).bill);
        let best = Number.POSITIVE_INFINITY;
        const allowed = allowedClasses(setup.rates, setup.classes, bytes, waiting);
        for (const [first, name] of allowed.entries()) {
          // New bytes come where hosts can fetch them.
          if (!setup.rates.of(name).instant) continue;
          for (const then of allowed.keys()) {
            const steps = { place: () => first, sweep: () => then, afterRead: () => first };
            const plan = billUsd(replay([{ bytes, history }], { mechanics: 'plane', create: () => steps }, among).bill);
            best = Math.min(best, plan);
          }
        }
        expect(ours).toBeLessThanOrEqual(best * 1.05 + 1e-6);
      }),
      { numRuns: 300 },
    );
  });

  it('holds the dollar policy within one percent of Intelligent-Tiering, whatever is read, up to three times a day', () => {
    fc.assert(
      fc.property(fc.array(anyObject, { minLength: 1, maxLength: 12 }), (given) => {
        const objects = given.map(({ bytes, history }) => ({ bytes, history }));
        const ours = billUsd(replay(objects, POLICIES['strata-dollars'], setup).bill);
        const tiering = billUsd(replay(objects, POLICIES['intelligent-tiering'], setup).bill);
        expect(ours).toBeLessThanOrEqual(tiering * 1.01 + 1e-9);
      }),
      { numRuns: 300 },
    );
  });

  it('brings a bet that is lost home with the next sweep', () => {
    const quiet = Array.from({ length: 200 }, () => object(6e9, 900, { 0: 1 }));
    const everyDay = Object.fromEntries(Array.from({ length: 300 }, (_, day) => [500 + day, 1]));
    const objects = [...quiet, ...Array.from({ length: 20 }, () => object(6e9, 900, { 0: 1, ...everyDay }))];
    const ours = replay(objects, POLICIES['strata-dollars'], setup).bill;
    const tiering = billUsd(replay(objects, POLICIES['intelligent-tiering'], setup).bill);
    expect(ours.retrievals).toBeGreaterThan(0);
    expect(billUsd(ours)).toBeLessThanOrEqual(tiering * 1.01);
  });

  it("charges the plane's copies: looks, the write, the retrieval of what is copied, and the old copy for a quarter of an hour", () => {
    const bytes = 6e9;
    const gib = bytes / 2 ** 30;
    const idle = object(bytes, 400, {});
    const { moves, requestUsd, retrievalUsd, storageUsd } = replay([idle], POLICIES['strata-rules'], setup).bill;
    // Warm on day 7 and cold on day 365; above 5 GiB in parts of 512 MiB, 12 of them.
    expect(moves).toBe(2);
    const puts = 4 * 0.000005 + 14 * (0.00001 + 0.00002);
    expect(requestUsd).toBeCloseTo(puts + 4 * 0.0000004 + 3 * 0.000001 + 4 * 0.000001 + 3 * 0.00001, 9);
    expect(retrievalUsd).toBeCloseTo(gib * 0.01, 9);
    const gibDays = (7 * 0.023 + 358 * 0.0125 + 35 * 0.004) * (24 / 730);
    expect(storageUsd).toBeCloseTo(gib * (gibDays + (0.023 + 0.0125) * (0.25 / 730)), 9);
    expect(OLD_COPY_MS).toBe(GRACE_SECONDS * SECOND_MS);
  });

  it('brings what a reader had restored to where it is read at once, as the plane does, and copies it back later', () => {
    const waiting = { toleranceMs: 5 * HOUR_MS, usdPerMs: 0 };
    const knowledge = [{ fromStep: 0, fact: { kind: 'rate', forecast: knownRate(1 / 300) } }];
    const archive = object(40e9, 900, { 300: 2, 600: 1 }, { knowledge });
    const { moves, restores } = replay([archive], POLICIES['strata-dollars'], { ...setup, waiting }).bill;
    // Published where it is read at once, archived the day after; each of the two restores leads out and back.
    expect({ moves, restores }).toEqual({ moves: 5, restores: 2 });
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
    const retired = object(
      6e9,
      400,
      { 0: 3 },
      { knowledge: [{ fromStep: 1, fact: { kind: 'rate', forecast: knownRate(0.1 / 365) } }] },
    );
    const ours = billUsd(replay([retired], POLICIES['strata-dollars'], setup).bill);
    const tiering = billUsd(replay([retired], POLICIES['intelligent-tiering'], setup).bill);
    // Intelligent-Tiering: 30 d at 0.023, 60 d at 0.0125, then 0.004; GLACIER_IR at once: 0.004 throughout.
    expect((tiering - ours) / (6e9 / 2 ** 30)).toBeCloseTo((29 * 0.019 + 60 * 0.0085) * (24 / 730), 3);
  });

  it('moves nothing to a minimum duration that the end of an object would break', () => {
    const rarely = { fromStep: 0, fact: { kind: 'rate' as const, forecast: knownRate(0.1 / 365) } };
    const ends = (step: number) => ({ fromStep: 0, fact: { kind: 'end' as const, step } });
    const bill = (days: number, knowledge: readonly Knowledge[]) => {
      const one = { ...object(6e9, days, {}), knowledge };
      return replay([{ ...one, history: { ...one.history, deleted: true } }], POLICIES['strata-dollars'], setup).bill;
    };
    expect(bill(10, [rarely]).earlyDeletionUsd).toBeGreaterThan(0);
    expect(bill(10, [rarely, ends(10)]).earlyDeletionUsd).toBe(0);
    expect(billUsd(bill(10, [rarely, ends(10)]))).toBeLessThan(billUsd(bill(10, [rarely])));
    // A year is worth the class.
    expect(bill(365, [rarely, ends(365)])).toEqual(bill(365, [rarely]));
  });

  it('knows its policies by name', () => {
    expect(isPolicyName('strata-dollars')).toBe(true);
    expect(isPolicyName('toString')).toBe(false);
  });
});
