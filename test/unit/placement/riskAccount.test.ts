import { describe, expect, it } from 'vitest';
import { lostUsd, readsOut } from '../../../lib/placement/index.ts';
import { DAY_MS, HOUR_MS } from '../../../lib/shared/units.ts';
import { rates } from '../../support/tierFacts.ts';

const GIB = 2 ** 30;
const risk = { bytes: 10 * GIB, to: 'STANDARD_IA', openedAt: 0, idleMs: 0, movedUsd: 0, reservedUsd: 0 };

describe('what a learned move has lost', () => {
  it('counts every read of the bucket since it left, not only the days with reads', () => {
    const lost = (reads: number) =>
      lostUsd(
        risk,
        [
          { at: 5 * DAY_MS, reads },
          { at: 40 * DAY_MS, reads: 9 },
        ],
        { at: 10 * DAY_MS },
        rates,
      );
    // $0.01 a GiB and $0.001 for 1,000 GETs, of which Intelligent-Tiering charges $0.0004.
    expect(lost(4) - lost(1)).toBeCloseTo(3 * (10 * 0.01 + 0.0000006), 9);
  });
});

describe('the reads of a learned move', () => {
  /** Out from 03:00 of day 5 to 03:00 of day 9; a day's reads are known by its noon. */
  const out = { ...risk, openedAt: 5 * DAY_MS + 3 * HOUR_MS, readsBefore: 2, readsCovered: 3 };
  const back = 9 * DAY_MS + 3 * HOUR_MS;
  const on = (day: number, reads: number) => ({ at: day * DAY_MS + 12 * HOUR_MS, reads });
  const reads = (days: readonly ReturnType<typeof on>[], readsBefore?: number) =>
    readsOut(out, days, { at: back, readsBefore }).reduce((sum, day) => sum + day.reads, 0);

  it.each([
    ['none before it left', [on(4, 9)], undefined, 0],
    ['none of its first day that was counted before', [on(5, 2)], undefined, 0],
    ['the others of its first day', [on(5, 5)], undefined, 3],
    ['all of the days between', [on(6, 4), on(8, 1)], undefined, 5],
    ['what its last day had by then, between midnight and the sweep that ended it', [on(9, 70)], 30, 30],
    ['three of its last day that were counted later, as its reservation covers', [on(9, 7)], 0, 3],
    ['all of its last day where nobody noted when', [on(9, 7)], undefined, 7],
    ['none of its last day where it has none', [on(8, 0)], 0, 0],
    ['none after it', [on(10, 9)], 0, 0],
  ])('are %s', (_name, days, readsBefore, expected) => {
    expect(reads(days, readsBefore)).toBe(expected);
  });

  it('are of its last day later one, where an older release has reserved', () => {
    const older = { ...out, readsCovered: undefined };
    expect(readsOut(older, [on(9, 7)], { at: back, readsBefore: 0 })).toMatchObject([{ reads: 1 }]);
  });

  it('are told apart within one day', () => {
    const short = { ...risk, openedAt: 5 * DAY_MS + 3 * HOUR_MS, readsBefore: 2 };
    const until = { at: 5 * DAY_MS + 9 * HOUR_MS, readsBefore: 6 };
    expect(readsOut(short, [on(5, 20)], until)).toEqual([{ at: until.at, reads: 4 }]);
  });

  it('come while it is out, whatever noon it is', () => {
    const [first, last] = readsOut({ ...out, openedAt: 5 * DAY_MS + 20 * HOUR_MS }, [on(5, 3), on(9, 1)], { at: back });
    expect(first?.at).toBe(5 * DAY_MS + 20 * HOUR_MS);
    expect(last?.at).toBe(back);
  });
});
