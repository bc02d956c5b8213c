import { deadLetterQueues } from '../../functions/deadLetters.ts';
import { queueDeadLetters } from '../../functions/shared/declaration.ts';
import { createDeadLetters } from '../../lib/operations/index.ts';
import type { FunctionQueue } from '../../lib/shared/queues.ts';
import type { Stage } from './stage.ts';

/** What an operator does whom a dead letter's alarm has called: brings all letters of one function's queue back. */
export async function redrive({ counters, queues, scheduler }: Stage, queue: FunctionQueue): Promise<void> {
  const letters = createDeadLetters({
    clock: scheduler.clockOf(scheduler.incarnation('operators')),
    declared: deadLetterQueues(),
    receiver: queues,
    sender: queues,
    waitSeconds: 0,
    count: async (name) => queues.counts().find((one) => one.queue === name)?.visible ?? 0,
    call: (name) => Promise.reject(new Error(`${name} has no queue.`)),
  });
  const moved = await letters.redrive(queueDeadLetters(queue), Number.POSITIVE_INFINITY);
  if (moved > 0) counters.count(`redriven: ${queue}`);
}
