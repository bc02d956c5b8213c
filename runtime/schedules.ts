import type { FunctionName } from '../functions/index.ts';
import type { ScheduleTime } from '../functions/shared/declaration.ts';
import type { ScheduleLog } from '../lib/adapters/embedded/scheduleLog.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { scheduleEvent } from './envelopes.ts';
import type { Invoker } from './invoker.ts';
import { lastMoment } from './scheduleTimes.ts';

export interface Schedule {
  readonly name: string;
  readonly functionName: FunctionName;
  readonly at: ScheduleTime;
}

export interface ScheduleDeps {
  readonly invoker: Invoker;
  readonly log: ScheduleLog;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/**
 * Fires every schedule whose newest moment was not fired yet: moments that passed while the runtime was down fire once. A
 * firing that fails is tried again at the next turn, until the next moment takes its place. A schedule that was never seen
 * before waits for its next moment.
 */
export async function fireDue(deps: ScheduleDeps, schedules: readonly Schedule[]): Promise<void> {
  await Promise.all(schedules.map((schedule) => fireIfDue(deps, schedule)));
}

async function fireIfDue(deps: ScheduleDeps, schedule: Schedule): Promise<void> {
  const moment = lastMoment(schedule.at, deps.clock.now());
  const last = deps.log.lastFired(schedule.name);
  if (last === undefined) deps.log.fired(schedule.name, moment);
  // A clock that went back names moments that were fired already.
  if (last === undefined || moment <= last) return;
  const outcome = await deps.invoker.invoke(schedule.functionName, scheduleEvent(schedule.name, moment));
  if (outcome.outcome === 'answered') deps.log.fired(schedule.name, moment);
  else deps.telemetry.warn('schedule-unfinished', { schedule: schedule.name, outcome: outcome.outcome });
}
