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
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';

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
    packsTo: fc.constantFrom(undefined, 0.4, 0.67),
  })
  .map(({ bytes, start, days, gaps, deleted, knowledge, announced, ...given }): ReplayObject => {
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
    return { bytes, history, knowledge: known.toSorted((one, other) => one.fromStep - other.fromStep), ...given };
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
      { numRuns: 40 },
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
      { numRuns: 40 },
    );
  });

  it('with one announced read costs at most 5.5 % more than the best of all plans that know it too', () => {
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
        expect(ours).toBeLessThanOrEqual(best * 1.055 + 1e-6);
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

  it('packs by the rules what was not read for long, in its class, and unpacks it for its reader', () => {
    const bytes = 6e9;
    const gib = bytes / 2 ** 30;
    const waiting = { toleranceMs: HOUR_MS, usdPerMs: 2 / HOUR_MS };
    const one = object(bytes, 110, { 100: 2 }, { packsTo: 0.5 });
    const { bill } = replay([one], POLICIES['strata-rules'], { ...setup, waiting });
    // Warm on day 7, packed when its 30 days there are over, unpacked on day 100.
    const unpackMs = MINUTE_MS + (bytes / 55e6) * SECOND_MS;
    expect(bill).toMatchObject({ moves: 3, restores: 1, reads: 2, waitMs: unpackMs });
    expect(bill.gpuWaitingUsd).toBeCloseTo(unpackMs * waiting.usdPerMs, 9);
    const gibDays = (7 * 0.023 + 30 * 0.0125 + 63 * 0.0125 * 0.5 + 10 * 0.0125) * (24 / 730);
    expect(bill.storageUsd).toBeCloseTo(gib * (gibDays + (0.023 + 0.0125 + 0.0125 * 0.5) * (0.25 / 730)), 9);
    expect(bill.earlyDeletionUsd).toBe(0);
    // Packing reads it and its half, in ranges of 8 MiB; unpacking the half and the whole; and there are two readers.
    const worker = (seconds: number) => seconds * (1769 / 1024) * 0.0000133334;
    const ranges = (2 * 716 + 2 * 358) * 0.000001;
    const read = gib * 0.01 * (1 + 0.5 + 0.5 + 1 + 2);
    // 90 parts of 64 MiB, once packed and once plain; what is left are the copy to STANDARD_IA and its looks.
    const puts = 2 * (90 + 2) * 0.00001;
    const all = read + ranges + worker(bytes / 30e6 + (2 * bytes) / 55e6) + puts;
    expect(bill.retrievalUsd + bill.requestUsd).toBeGreaterThan(all);
    expect(bill.retrievalUsd + bill.requestUsd).toBeLessThan(all + 0.0003);
  });

  it('packs by dollars only what is known to be read rarely, and only where readers wait', () => {
    const knowledge = [{ fromStep: 5, fact: { kind: 'rate' as const, forecast: knownRate(1 / 1000) } }];
    const bill = (more: object, toleranceMs = HOUR_MS) => {
      const waiting = { toleranceMs, usdPerMs: 0 };
      return replay([object(40e9, 1500, { 1000: 1 }, more)], POLICIES['strata-dollars'], { ...setup, waiting }).bill;
    };
    const plain = bill({ knowledge });
    const packed = bill({ knowledge, packsTo: 0.5 });
    // Into Intelligent-Tiering, which charges nothing for reading it back, then as it is to GLACIER_IR; and again after its read.
    expect(packed).toMatchObject({ moves: 5, restores: 1 });
    expect(billUsd(packed)).toBeLessThan(billUsd(plain));
    expect(packed.storageUsd).toBeLessThan(0.6 * plain.storageUsd);
    expect(bill({ packsTo: 0.5 })).toEqual(bill({}));
    expect(bill({ knowledge, packsTo: 0.99 })).toEqual(plain);
    expect(bill({ knowledge, packsTo: 0.5 }, MINUTE_MS)).toEqual(bill({ knowledge }, MINUTE_MS));
  });

  it('packs by the lifecycle rules what is large and still read, in its class', () => {
    const rarely = { 0: 3, 40: 1, 80: 1 };
    const waiting = { toleranceMs: HOUR_MS, usdPerMs: 0 };
    const play = (packsTo: number) =>
      replay([object(40e9, 100, rarely, { packsTo })], POLICIES['strata-lifecycle'], { ...setup, waiting }).bill;
    expect(play(0.5).restores).toBe(2);
    expect(play(0.8).restores).toBe(0);
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
