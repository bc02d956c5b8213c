import { describe, expect, it } from 'vitest';
import { createScheduleLog } from '../../../lib/adapters/embedded/scheduleLog.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import type { ScheduleTime } from '../../../functions/shared/declaration.ts';
import { HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import type { InvocationOutcome } from '../../../runtime/invoker.ts';
import { createSchedules } from '../../../runtime/schedules.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { silentTelemetry } from '../../support/silentTelemetry.ts';

describe('the schedules of the embedded runtime', () => {
  function prepare(at: ScheduleTime = { everyMinutes: 1 }) {
    const clock = createManualClock(Date.parse('2026-11-20T12:00:30Z'));
    const fired: unknown[] = [];
    const state: { outcome: InvocationOutcome } = { outcome: { outcome: 'answered', answer: undefined } };
    const invoker = {
      invoke: async (_name: string, event: unknown) => {
        fired.push(event);
        return state.outcome;
      },
    };
    const log = createScheduleLog(openDatabase(':memory:'));
    const schedules = [{ name: 'relay-sweep', functionName: 'relay' as const, at }];
    const letters: unknown[] = [];
    const sender = {
      send: async (queue: string, [message]: readonly { readonly body: string }[]) =>
        void letters.push([queue, JSON.parse(message?.body ?? '')]),
    };
    const fire = createSchedules({ invoker, log, sender, clock, telemetry: silentTelemetry }, schedules);
    return { clock, fired, letters, state, fire };
  }

  it('fire once for each moment, with the moment that the schedule names', async () => {
    const { clock, fired, fire } = prepare();
    await fire();
    expect(fired).toEqual([]);
    await clock.advance(MINUTE_MS);
    await fire();
    await fire();
    expect(fired).toEqual([{ schedule: 'relay-sweep', scheduledTime: '2026-11-20T12:01:00.000Z' }]);
  });

  it('fire once after a downtime, however many moments passed', async () => {
    const { clock, fired, fire } = prepare();
    await fire();
    await clock.advance(5 * HOUR_MS);
    await fire();
    await fire();
    expect(fired).toEqual([{ schedule: 'relay-sweep', scheduledTime: '2026-11-20T17:00:00.000Z' }]);
  });

  const FAILED: InvocationOutcome = { outcome: 'failed', error: new Error('broken') };
  const event = (time: string) => ({ schedule: 'relay-sweep', scheduledTime: `2026-11-20T${time}:00.000Z` });

  it('fire a failed moment again after a minute, then after two, and then it is a dead letter', async () => {
    const { clock, fired, fire, letters, state } = prepare({ everyMinutes: 60 });
    await fire();
    await clock.advance(HOUR_MS);
    state.outcome = FAILED;
    for (let minute = 0; minute < 10; minute += 1) {
      await fire();
      await clock.advance(MINUTE_MS);
    }
    expect(fired).toEqual([event('13:00'), event('13:00'), event('13:00')]);
    expect(letters).toEqual([['relay-schedule-dlq', event('13:00')]]);
    state.outcome = { outcome: 'answered', answer: undefined };
    await clock.advance(HOUR_MS);
    await fire();
    expect(fired.at(-1)).toEqual(event('14:00'));
    expect(letters).toHaveLength(1);
  });

  it('fire nothing more of a moment that ended well at its second try', async () => {
    const { clock, fired, fire, letters, state } = prepare({ everyMinutes: 60 });
    await fire();
    await clock.advance(HOUR_MS);
    state.outcome = FAILED;
    await fire();
    state.outcome = { outcome: 'answered', answer: undefined };
    await clock.advance(MINUTE_MS);
    await fire();
    await clock.advance(MINUTE_MS);
    await fire();
    expect(fired).toHaveLength(2);
    expect(letters).toEqual([]);
  });

  it('make a dead letter of a failed moment that the next one overtakes', async () => {
    const { clock, fire, letters, state } = prepare();
    await fire();
    await clock.advance(MINUTE_MS);
    state.outcome = FAILED;
    await fire();
    await clock.advance(MINUTE_MS);
    await fire();
    expect(letters).toEqual([['relay-schedule-dlq', event('12:01')]]);
  });

  it('fire nothing again when the clock goes back', async () => {
    const { clock, fired, fire } = prepare();
    await fire();
    await clock.advance(MINUTE_MS);
    await fire();
    await clock.advance(-3 * MINUTE_MS);
    await fire();
    expect(fired).toHaveLength(1);
  });
});
