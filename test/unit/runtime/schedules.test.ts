import { describe, expect, it } from 'vitest';
import { createScheduleLog } from '../../../lib/adapters/embedded/scheduleLog.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { HOUR_MS, MINUTE_MS } from '../../../lib/shared/units.ts';
import type { InvocationOutcome } from '../../../runtime/invoker.ts';
import { fireDue } from '../../../runtime/schedules.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { silentTelemetry } from '../../support/silentTelemetry.ts';

describe('the schedules of the embedded runtime', () => {
  function prepare() {
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
    const schedules = [{ name: 'relay-sweep', functionName: 'relay', at: { everyMinutes: 1 } }] as const;
    const fire = () => fireDue({ invoker, log, clock, telemetry: silentTelemetry }, schedules);
    return { clock, fired, state, fire };
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

  it('fire a moment again until its function ends without an error', async () => {
    const { clock, fired, fire, state } = prepare();
    await fire();
    await clock.advance(MINUTE_MS);
    state.outcome = { outcome: 'failed', error: new Error('broken') };
    await fire();
    state.outcome = { outcome: 'answered', answer: undefined };
    await fire();
    await fire();
    expect(fired).toHaveLength(2);
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
