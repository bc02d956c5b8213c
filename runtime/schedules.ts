import type { FunctionName } from '../functions/index.ts';
import { type ScheduleTime, scheduleDeadLetters } from '../functions/shared/declaration.ts';
import type { ScheduleLog } from '../lib/adapters/embedded/scheduleLog.ts';
import type { Clock } from '../lib/shared/ports/clock.ts';
import type { MessageSender } from '../lib/shared/ports/messageQueue.ts';
import type { Telemetry } from '../lib/shared/ports/telemetry.ts';
import { type EpochMs, MINUTE_MS } from '../lib/shared/units.ts';
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
  readonly sender: MessageSender;
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'warn'>;
}

/** As Lambda does with an asynchronous call: a failed one again after a minute, then after two, then it is a dead letter. */
const PAUSES_MS = [MINUTE_MS, 2 * MINUTE_MS];

/** A moment that its function has failed, and how often; a restart of the runtime counts anew. */
interface Failed {
  readonly moment: EpochMs;
  readonly times: number;
  readonly againAt: number;
}

/**
 * Answers what fires every schedule whose newest moment was not fired yet: moments that passed while the runtime was down fire
 * once. A firing that fails three times, or that the next moment overtakes after it has failed, goes to the function's
 * dead-letter queue. A schedule that was never seen before waits for its next moment.
 */
export function createSchedules(deps: ScheduleDeps, schedules: readonly Schedule[]): () => Promise<void> {
  const failed = new Map<string, Failed>();

  async function fireIfDue(schedule: Schedule): Promise<void> {
    const { clock, log } = deps;
    const moment = lastMoment(schedule.at, clock.now());
    const last = log.lastFired(schedule.name);
    if (last === undefined) log.fired(schedule.name, moment);
    // A clock that went back names moments that were fired already.
    if (last === undefined || moment <= last) return;
    const before = failed.get(schedule.name);
    if (before !== undefined && before.moment !== moment) await bury(schedule, before.moment);
    else if (before !== undefined && clock.now() < before.againAt) return;
    await fire(schedule, moment, failed.get(schedule.name)?.times ?? 0);
  }

  async function fire(schedule: Schedule, moment: EpochMs, failures: number): Promise<void> {
    const { outcome } = await deps.invoker.invoke(schedule.functionName, scheduleEvent(schedule.name, moment));
    if (outcome === 'answered') {
      failed.delete(schedule.name);
      deps.log.fired(schedule.name, moment);
      return;
    }
    deps.telemetry.warn('schedule-unfinished', { schedule: schedule.name, outcome });
    const pause = PAUSES_MS[failures];
    if (pause === undefined) {
      await bury(schedule, moment);
      deps.log.fired(schedule.name, moment);
    } else {
      failed.set(schedule.name, { moment, times: failures + 1, againAt: deps.clock.now() + pause });
    }
  }

  async function bury(schedule: Schedule, moment: EpochMs): Promise<void> {
    const body = JSON.stringify(scheduleEvent(schedule.name, moment));
    await deps.sender.send(scheduleDeadLetters(schedule.functionName), [{ body }]);
    failed.delete(schedule.name);
  }

  return async () => {
    await Promise.all(schedules.map(fireIfDue));
  };
}
