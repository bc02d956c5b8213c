import type { Context, SQSBatchResponse } from 'aws-lambda';
import { SweepOrphans } from '../../events/sweep-orphans/v1.ts';
import { type JudgeDeps, startOrphanSweep, sweepOrphans } from '../../lib/orphans/index.ts';
import { eitherHandler } from '../shared/eitherHandler.ts';
import { queueHandler, type QueueHandlerDeps } from '../shared/queueHandler.ts';
import { scheduleHandler } from '../shared/scheduleHandler.ts';
import { sweepOrphans as declaration } from './function.ts';

/** Its schedule sends the first message of a sweep, its queue carries the sweep out. */
export function createSweepOrphansHandler(
  deps: JudgeDeps & QueueHandlerDeps,
): (event: unknown, context: Context) => Promise<SQSBatchResponse | void> {
  return eitherHandler({
    batch: queueHandler(deps, {
      declaration,
      message: SweepOrphans,
      correlationId: (message) => message.correlationId,
      handle: async (message, delivery) => {
        await sweepOrphans(deps, message, delivery);
      },
    }),
    schedule: scheduleHandler(deps, {
      name: 'sweep-orphans',
      handle: async ({ at }) => {
        await startOrphanSweep(deps, at);
      },
    }),
  });
}
