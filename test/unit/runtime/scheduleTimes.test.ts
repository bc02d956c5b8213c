import { describe, expect, it } from 'vitest';
import type { ScheduleTime } from '../../../functions/shared/declaration.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import { lastMoment } from '../../../runtime/scheduleTimes.ts';

describe('the last moment of a schedule', () => {
  // A Friday.
  const cases: readonly (readonly [ScheduleTime, string, string])[] = [
    [{ everyMinutes: 1 }, '2026-11-20T12:34:56.789Z', '2026-11-20T12:34:00.000Z'],
    [{ everyMinutes: 10 }, '2026-11-20T12:34:56Z', '2026-11-20T12:30:00.000Z'],
    [{ everyMinutes: 10 }, '2026-11-20T12:30:00Z', '2026-11-20T12:30:00.000Z'],
    [{ dailyUtc: '06:00' }, '2026-11-20T12:34:56Z', '2026-11-20T06:00:00.000Z'],
    [{ dailyUtc: '13:05' }, '2026-11-20T12:34:56Z', '2026-11-19T13:05:00.000Z'],
    [{ dailyUtc: '02:00' }, '2026-11-20T02:00:00Z', '2026-11-20T02:00:00.000Z'],
    [{ weeklyUtc: { day: 'SUN', at: '03:00' } }, '2026-11-20T12:34:56Z', '2026-11-15T03:00:00.000Z'],
    [{ weeklyUtc: { day: 'FRI', at: '12:00' } }, '2026-11-20T12:34:56Z', '2026-11-20T12:00:00.000Z'],
    [{ weeklyUtc: { day: 'FRI', at: '13:00' } }, '2026-11-20T12:34:56Z', '2026-11-13T13:00:00.000Z'],
    [{ monthlyUtc: { day: 1, at: '04:00' } }, '2026-11-20T12:34:56Z', '2026-11-01T04:00:00.000Z'],
    [{ monthlyUtc: { day: 31, at: '04:00' } }, '2026-11-20T12:34:56Z', '2026-10-31T04:00:00.000Z'],
    [{ monthlyUtc: { day: 20, at: '13:00' } }, '2026-11-20T12:34:56Z', '2026-10-20T13:00:00.000Z'],
  ];

  it.each(cases)('%j at %s is %s', (schedule, now, expected) => {
    expect(new Date(lastMoment(schedule, EpochMs.parse(Date.parse(now)))).toISOString()).toBe(expected);
  });
});
