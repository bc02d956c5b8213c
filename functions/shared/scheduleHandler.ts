import createMiddy from '@middy/core';
import type { Context } from 'aws-lambda';
import { ScheduleFired } from '../../events/aws/scheduleFired.v1.ts';
import { ContractError } from '../../lib/shared/errors.ts';
import { EpochMs } from '../../lib/shared/units.ts';
import { type HandlerDeps, type Invocation, invocationOf } from './invocation.ts';
import { reportFailure, WITHOUT_TIMER } from './middleware.ts';

export interface ScheduleHandlerOptions {
  readonly name: string;
  /** Idempotent by the schedule's name and moment: a moment may fire twice, and late. */
  readonly handle: (
    fired: { readonly schedule: string; readonly at: EpochMs },
    invocation: Invocation,
  ) => Promise<void>;
}

export type ScheduleHandler = (event: unknown, context: Context) => Promise<void>;

/** Handles a fired schedule. A rejection leaves the call to the scheduler's retries and then to its dead-letter queue. */
export function scheduleHandler(deps: HandlerDeps, options: ScheduleHandlerOptions): ScheduleHandler {
  return createMiddy<unknown, void>(WITHOUT_TIMER)
    .use(reportFailure(deps, options.name))
    .handler(async (event: unknown, context: Context): Promise<void> => {
      const fired = ScheduleFired.safeParse(event);
      const at = EpochMs.safeParse(Date.parse(fired.data?.scheduledTime ?? ''));
      if (!fired.success || !at.success) {
        throw new ContractError({
          code: 'invalid-message',
          message: 'The call is no fired schedule: check the input of the schedule.',
          retryable: false,
          cause: fired.error ?? at.error,
        });
      }
      await options.handle({ schedule: fired.data.schedule, at: at.data }, invocationOf(deps, options.name, context));
    });
}
