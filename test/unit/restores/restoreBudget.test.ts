import { describe, expect, it } from 'vitest';
import { takeRestore } from '../../../lib/restores/restoreBudget.ts';
import { DAY_MS, EpochMs, HOUR_MS, Usd } from '../../../lib/shared/units.ts';

const DAY = EpochMs.parse(Date.UTC(2026, 5, 1));
const NOON = EpochMs.parse(DAY + 12.5 * HOUR_MS);
const HOUR = EpochMs.parse(DAY + 12 * HOUR_MS);
const LIMITS = { restoreBudgetUsdPerDay: 10, restoresPerHour: 3 };
const spent = (over: object = {}) => ({ day: DAY, hour: HOUR, usd: Usd.parse(4), restores: 2, ...over });

describe('what readers may spend on restores', () => {
  it.each([
    [
      'is taken by the first',
      undefined,
      4,
      { outcome: 'taken', spending: { day: DAY, hour: HOUR, usd: 4, restores: 1 } },
    ],
    ['is taken to the last cent', spent(), 6, { outcome: 'taken', spending: { usd: 10, restores: 3 } }],
    [
      'is refused above it until the next day',
      spent(),
      6.01,
      { limit: 'budget-spent', againAt: DAY + DAY_MS, usd: 6.01 },
    ],
    [
      'is refused above the rate until the next hour',
      spent({ restores: 3 }),
      1,
      { limit: 'rate-reached', againAt: HOUR + HOUR_MS },
    ],
    [
      'begins anew with the hour',
      spent({ restores: 3, hour: HOUR - HOUR_MS }),
      1,
      { spending: { hour: HOUR, usd: 5, restores: 1 } },
    ],
    [
      'begins anew with the day',
      spent({ usd: 10, day: DAY - DAY_MS }),
      1,
      { spending: { day: DAY, usd: 1, restores: 3 } },
    ],
    [
      'does not begin anew with a clock that went back',
      spent({ day: DAY + DAY_MS, usd: 10 }),
      1,
      { limit: 'budget-spent', againAt: DAY + 2 * DAY_MS },
    ],
    ['has no later moment for what is too dear for a day', undefined, 10.01, { limit: 'too-dear' }],
  ])('%s', (_what, row, fee, expected) => {
    expect(takeRestore(row, fee, LIMITS, NOON)).toMatchObject(expected);
    if ('limit' in expected && expected.limit === 'too-dear') {
      expect(takeRestore(row, fee, LIMITS, NOON)).not.toHaveProperty('againAt');
    }
  });
});
