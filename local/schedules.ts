import { systemClock } from '../lib/adapters/node/systemClock.ts';
import { createSqsSender } from '../lib/adapters/aws/sqsQueues.ts';
import type { EpochMs } from '../lib/shared/units.ts';
import type { Invoker } from '../runtime/invoker.ts';
import { createSchedules } from '../runtime/schedules.ts';
import { schedules } from '../runtime/triggers.ts';
import { scheduleEvent } from '../runtime/envelopes.ts';
import { invoke } from './invoke.ts';
import type { LocalAws } from './localAws.ts';

const LOOK_EVERY_MS = 5_000;

/** Fires every declared schedule in their place, with its moment; what fails thrice is a dead letter. Answers what ends it. */
export function fireSchedules(aws: LocalAws, tell: (line: string) => void): () => void {
  const fired = new Map<string, EpochMs>();
  const fire = createSchedules(
    {
      invoker: createLocalInvoker(aws, tell),
      log: { lastFired: (name) => fired.get(name), fired: (name, moment) => void fired.set(name, moment) },
      sender: createSqsSender({ client: aws.clients.sqs, urlPrefix: aws.outputs.QueueUrlPrefix }),
      clock: systemClock,
      telemetry: { warn: (event, fields) => tell(`${event}: ${fields?.['schedule']}`) },
    },
    schedules(),
  );
  let firing: Promise<void> | undefined;
  const look = (): void => {
    firing ??= fire()
      .catch((error: unknown) => tell(String(error)))
      .finally(() => {
        firing = undefined;
      });
  };
  look();
  const timer = setInterval(look, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}

/** One call after the other: each may start a process here, and many schedules name the same minute. */
function createLocalInvoker(aws: LocalAws, tell: (line: string) => void): Invoker {
  let last: Promise<unknown> = Promise.resolve();
  return {
    async invoke(name, event) {
      const before = last;
      const called = before.then(() => invoke(aws, name, event));
      last = called.catch(() => undefined);
      try {
        await called;
        return { outcome: 'answered', answer: undefined };
      } catch (error) {
        tell(String(error));
        return { outcome: 'failed', error };
      }
    },
  };
}

/** Invokes a function with the input that EventBridge Scheduler would send at `moment`. */
export async function invokeSchedule(
  aws: LocalAws,
  { functionName, schedule }: { readonly functionName: Parameters<typeof invoke>[1]; readonly schedule: string },
  moment: EpochMs,
): Promise<void> {
  await invoke(aws, functionName, scheduleEvent(schedule, moment));
}
