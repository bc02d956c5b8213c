import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RestoreSpending } from '../../../lib/catalog/index.ts';
import { takeRestore } from '../../../lib/restores/restoreBudget.ts';
import { type InLine, planLine } from '../../../lib/restores/restoreLine.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, HOUR_MS, MINUTE_MS, Usd } from '../../../lib/shared/units.ts';

const DAY = EpochMs.parse(Date.UTC(2026, 5, 1));
const NOON = EpochMs.parse(DAY + 12.5 * HOUR_MS);
const LIMITS = { restoreBudgetUsdPerDay: 10, restoresPerHour: 2 };
const digestOf = (index: number) => Digest.parse(index.toString(16).padStart(64, '0'));
const lineOf = (...fees: readonly number[]): InLine[] =>
  fees.map((usd, index) => ({ digest: digestOf(index), askedAt: EpochMs.parse(NOON - 1_000 + index), usd }));
const turnsOf = (fees: readonly number[], spent?: RestoreSpending, limits = LIMITS) => {
  const turns = planLine(spent, lineOf(...fees), limits, NOON);
  return fees.map((_, index) => {
    const at = turns.get(digestOf(index));
    return at === undefined ? undefined : at === NOON ? 'now' : (at - DAY) / HOUR_MS;
  });
};

describe('the line of restores', () => {
  it.each([
    ['begins as many an hour as may begin', [1, 1, 1, 1, 1], ['now', 'now', 13, 13, 14]],
    ['begins for as much a day as may be spent', [6, 6, 6], ['now', 24, 48]],
    ['lets what fits into the day go before what does not', [6, 6, 4], ['now', 24, 'now']],
    ['has no turn for what is too dear for any day', [11, 1], [undefined, 'now']],
  ])('%s', (_what, fees, expected) => {
    expect(turnsOf(fees)).toEqual(expected);
  });

  it('goes on at midnight when the hours of a day are over', () => {
    expect(turnsOf(Array(26).fill(0.1)).slice(-3)).toEqual([23, 24, 24]);
  });

  it('counts what has begun in this hour and on this day', () => {
    const spent = { day: DAY, hour: EpochMs.parse(DAY + 12 * HOUR_MS), usd: Usd.parse(5), restores: 1 };
    expect(turnsOf([4, 4, 1], spent)).toEqual(['now', 24, 13]);
  });

  it('begins no day anew when the clock goes back', () => {
    const tomorrow = EpochMs.parse(DAY + DAY_MS);
    const spent = { day: tomorrow, hour: tomorrow, usd: Usd.parse(10), restores: 1 };
    expect(turnsOf([4], spent)).toEqual([48]);
  });

  it('has nobody begin where none may, and foresees a week', () => {
    expect(turnsOf([1], undefined, { ...LIMITS, restoresPerHour: 0 })).toEqual([undefined]);
    expect(turnsOf(Array(9).fill(10)).at(-1)).toBeUndefined();
  });

  it('is what the budget allows, in the order of asking, however fees and limits are', () => {
    const fees = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 30 });
    const limits = fc.record({
      restoreBudgetUsdPerDay: fc.integer({ min: 0, max: 20 }),
      restoresPerHour: fc.integer({ min: 1, max: 4 }),
    });
    const begun = fc.option(
      fc.record({ usd: fc.integer({ min: 0, max: 20 }), restores: fc.integer({ min: 0, max: 5 }) }),
    );
    fc.assert(
      fc.property(fees, limits, begun, (each, limit, of) => {
        const hour = EpochMs.parse(DAY + 12 * HOUR_MS);
        const spent = of === null ? undefined : { day: DAY, hour, usd: Usd.parse(of.usd), restores: of.restores };
        const line = lineOf(...each);
        const turns = planLine(spent, line, limit, NOON);
        const inTime = line
          .filter(({ digest }) => turns.has(digest))
          .toSorted((one, other) => (turns.get(one.digest) ?? 0) - (turns.get(other.digest) ?? 0));
        let spending = spent;
        for (const { digest, usd } of inTime) {
          const taken = takeRestore(spending, usd, limit, turns.get(digest) ?? NOON);
          if (taken.outcome === 'refused') expect.fail(`begins, although ${taken.limit}`);
          spending = taken.spending;
        }
        for (const [index, later] of line.entries()) {
          for (const earlier of line.slice(0, index)) {
            const [first, second] = [turns.get(earlier.digest), turns.get(later.digest)];
            if (earlier.usd <= later.usd && second !== undefined) expect(first ?? Infinity).toBeLessThanOrEqual(second);
          }
          const fits = later.usd <= limit.restoreBudgetUsdPerDay;
          if (!fits) expect(turns.has(later.digest)).toBe(false);
          // Whoever is first waits until midnight at most, unless more has been spent than a day may.
          if (index === 0 && fits) expect(turns.get(later.digest)).toBeLessThanOrEqual(DAY + DAY_MS + MINUTE_MS);
        }
      }),
      { numRuns: 500 },
    );
  });
});
