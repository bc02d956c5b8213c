import { PortError } from '../shared/errors.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { MessageReceiver, MessageSender, ReceivedMessage } from '../shared/ports/messageQueue.ts';
import { QUEUE_LIMITS } from '../shared/ports/messageQueue.ts';
import type { DeadLetterOrigin, DeadLetters, DeclaredDeadLetters } from './ports.ts';

export interface DeadLettersDeps {
  readonly clock: Clock;
  readonly declared: readonly DeclaredDeadLetters[];
  readonly receiver: MessageReceiver;
  readonly sender: MessageSender;
  /** How long a receive waits: SQS may miss messages of a queue that is asked without. */
  readonly waitSeconds: number;
  /** Messages of a queue, about: those that are visible and those that somebody looks at. */
  readonly count: (queue: string) => Promise<number>;
  /** Has a function called with an event, now or soon; when it fails again, the event is a dead letter again. */
  readonly call: (functionName: string, event: string) => Promise<void>;
}

/** Long enough for one batch; what a killed redrive had taken comes back after it. */
const VISIBILITY_SECONDS = 60;

/**
 * The dead-letter queues that are declared, on either runtime. A redrive brings a letter back before it deletes it, so one that
 * is cut off leaves it twice and never not at all. A letter that cannot be brought back, since its host is gone, stays.
 */
export function createDeadLetters(deps: DeadLettersDeps): DeadLetters {
  const { declared, receiver } = deps;
  return {
    list: () =>
      Promise.all(
        declared.map(async ({ queue, origin }) => ({
          queue,
          sources: origin.kind === 'queue' ? [origin.queue] : [],
          messages: await deps.count(queue),
        })),
      ),
    async look(queue, max) {
      if (!declared.some((one) => one.queue === queue)) throw noSuchLetters(queue);
      const seen = new Map<string, ReceivedMessage>();
      try {
        while (seen.size < max) {
          const most = Math.min(QUEUE_LIMITS.batchMessages, max - seen.size);
          const letters = await receiver.receive(queue, most, deps.waitSeconds, VISIBILITY_SECONDS);
          const fresh = letters.filter(({ messageId }) => !seen.has(messageId));
          for (const letter of letters) seen.set(letter.messageId, letter);
          if (fresh.length === 0) break;
        }
      } finally {
        // One that was redriven meanwhile cannot be shown again, and need not be.
        await Promise.allSettled(
          [...seen.values()].map(({ receiptHandle }) => receiver.changeVisibility(queue, receiptHandle, 0)),
        );
      }
      return [...seen.values()].map(({ messageId, body, deadLetterSource: source }) =>
        source === undefined ? { messageId, body } : { messageId, body, source },
      );
    },
    async redrive(queue, max) {
      const origin = declared.find((one) => one.queue === queue)?.origin;
      if (origin === undefined) throw noSuchLetters(queue);
      // No more than there were: what fails again at once comes back while this goes on.
      const limit = Math.min(max, await deps.count(queue));
      let moved = 0;
      while (moved < limit) {
        const most = Math.min(QUEUE_LIMITS.batchMessages, limit - moved);
        const letters = await receiver.receive(queue, most, deps.waitSeconds, VISIBILITY_SECONDS);
        if (letters.length === 0) break;
        for (const letter of letters) {
          if (!(await bringBack(deps, origin, letter, moved))) continue;
          await receiver.remove(queue, letter.receiptHandle);
          moved += 1;
        }
      }
      return moved;
    },
  };
}

async function bringBack(
  { call, clock, sender }: DeadLettersDeps,
  origin: DeadLetterOrigin,
  { body, deadLetterSource }: ReceivedMessage,
  moved: number,
): Promise<boolean> {
  switch (origin.kind) {
    case 'queue':
      await sender.send(origin.queue, [{ body }]);
      return true;
    case 'hosts':
      return deadLetterSource !== undefined && sentToHost(sender, deadLetterSource, body);
    case 'schedule':
      await call(origin.functionName, body);
      return true;
    case 'stream': {
      const fired = { schedule: origin.schedule, scheduledTime: new Date(clock.now()).toISOString() };
      if (moved === 0) await call(origin.functionName, JSON.stringify(fired));
      return true;
    }
  }
}

/** False where the host's generation, and its queue with it, is gone: its commands are dead. */
async function sentToHost(sender: MessageSender, queue: string, body: string): Promise<boolean> {
  try {
    await sender.send(queue, [{ body }]);
    return true;
  } catch (error) {
    if (error instanceof PortError && error.code === 'no-such-queue') return false;
    throw error;
  }
}

function noSuchLetters(queue: string): PortError {
  return new PortError({ code: 'no-such-queue', message: `${queue} is no dead-letter queue.`, retryable: false });
}
