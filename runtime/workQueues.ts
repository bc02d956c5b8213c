import { workQueues } from '../functions/workQueues.ts';
import type { QueueCounts, SqliteQueues } from '../lib/adapters/embedded/sqliteQueues.ts';
import type { QueueStanding, WorkQueue } from '../lib/operations/index.ts';

/** What waits in the queues of functions, by one look at all of them. */
export function embeddedWorkQueues(queues: Pick<SqliteQueues, 'counts'>): Promise<readonly WorkQueue[]> {
  const found = new Map(queues.counts().map((counts) => [counts.queue, counts]));
  return workQueues(async (queue) => standingOf(found.get(queue)));
}

function standingOf(counts: QueueCounts | undefined): QueueStanding {
  if (counts === undefined) return { waiting: 0, inHand: 0 };
  const { inFlight, oldest, visible } = counts;
  return { waiting: visible, inHand: inFlight, ...(oldest === undefined ? {} : { oldest }) };
}
