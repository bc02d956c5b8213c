import type { DeadLetters } from '../../operations/index.ts';
import type { SqliteQueues } from './sqliteQueues.ts';

export const DEAD_LETTER_SUFFIX = '-dlq';

/** The dead-letter queues of the embedded runtime: every function's own, and the one of all hosts. */
export function createSqliteDeadLetters(queues: SqliteQueues): DeadLetters {
  return {
    async list() {
      const dead = queues.counts().filter(({ queue }) => queue.endsWith(DEAD_LETTER_SUFFIX));
      return dead.map(({ queue, deadLetterOf, visible, inFlight }) => ({
        queue,
        sources: deadLetterOf.filter((source) => `${source}${DEAD_LETTER_SUFFIX}` === queue),
        messages: visible + inFlight,
      }));
    },
    async redrive(queue, max) {
      return queues.redrive(queue, max);
    },
  };
}
