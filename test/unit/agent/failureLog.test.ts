import { expect, it } from 'vitest';
import { createFailureLog } from '../../../agent/reports/failureLog.ts';
import { PortError } from '../../../lib/shared/errors.ts';
import { MINUTE_MS } from '../../../lib/shared/units.ts';
import { createManualClock } from '../../support/manualClock.ts';
import { recordedTelemetry } from '../../support/recordedTelemetry.ts';

const away = new PortError({ code: 'unavailable', message: 'the queue is away', retryable: true });
const slow = new PortError({ code: 'throttled', message: 'slow down', retryable: true });

it('tells failures that alternate once each in ten minutes, and again after it has worked', async () => {
  const clock = createManualClock();
  const { telemetry, records } = recordedTelemetry();
  const failures = createFailureLog({ clock, telemetry }, 'not-sent');
  let seen = 0;
  const told = () => {
    const fresh = records.slice(seen);
    seen = records.length;
    return fresh.map(({ event, fields }) => [event, fields['failures']]);
  };
  for (let tries = 0; tries < 10; tries += 1) failures.failed(tries % 2 === 0 ? away : slow);
  expect(told()).toEqual([
    ['not-sent', 1],
    ['not-sent', 2],
  ]);
  await clock.advance(10 * MINUTE_MS);
  for (const error of [slow, away, slow]) failures.failed(error);
  expect(told()).toEqual([
    ['not-sent', 11],
    ['not-sent', 12],
  ]);
  failures.worked();
  expect(told()).toEqual([['works-again', 13]]);
  failures.failed(slow);
  expect(told()).toEqual([['not-sent', 1]]);
});
