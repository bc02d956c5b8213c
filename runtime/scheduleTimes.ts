import type { ScheduleTime } from '../functions/shared/declaration.ts';
import { DAY_MS, EpochMs, HOUR_MS, MINUTE_MS } from '../lib/shared/units.ts';

const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** The newest moment at or before `now` that the schedule names. UTC has no daylight saving: a day is 24 hours. */
export function lastMoment(schedule: ScheduleTime, now: EpochMs): EpochMs {
  if ('everyMinutes' in schedule) {
    const period = schedule.everyMinutes * MINUTE_MS;
    return EpochMs.parse(now - (now % period));
  }
  if ('dailyUtc' in schedule) return EpochMs.parse(lastAt(now, minutesOf(schedule.dailyUtc)));
  if ('weeklyUtc' in schedule) {
    let at = lastAt(now, minutesOf(schedule.weeklyUtc.at));
    while (WEEKDAYS[new Date(at).getUTCDay()] !== schedule.weeklyUtc.day) at -= DAY_MS;
    return EpochMs.parse(at);
  }
  // A month without that day is passed over, as cron does.
  let at = lastAt(now, minutesOf(schedule.monthlyUtc.at));
  while (new Date(at).getUTCDate() !== schedule.monthlyUtc.day) at -= DAY_MS;
  return EpochMs.parse(at);
}

/** The newest such time of day at or before `now`. */
function lastAt(now: number, minutes: number): number {
  const today = now - (now % DAY_MS) + minutes * MINUTE_MS;
  return today <= now ? today : today - DAY_MS;
}

function minutesOf(time: `${number}:${number}`): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return (hours * HOUR_MS) / MINUTE_MS + minutes;
}
