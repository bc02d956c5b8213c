import type { QueueStanding, WorkQueue } from '../lib/operations/index.ts';
import { SECOND_MS } from '../lib/shared/units.ts';
import { FUNCTIONS } from './index.ts';
import { lateAfterSeconds } from './shared/declaration.ts';

/** Every queue that a function works off, with what `look` finds there. */
export function workQueues(look: (queue: string) => Promise<QueueStanding>): Promise<readonly WorkQueue[]> {
  const found = FUNCTIONS.flatMap((declaration) =>
    declaration.triggers.flatMap((trigger) => (trigger.kind === 'queue' ? [{ declaration, trigger }] : [])),
  );
  return Promise.all(
    found.map(async ({ declaration, trigger: { queue } }) => ({
      queue,
      functionName: declaration.name,
      lateAfterMs: lateAfterSeconds(declaration) * SECOND_MS,
      ...(await look(queue)),
    })),
  );
}
