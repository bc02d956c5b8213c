import type { Capability, Stage } from '../stage.ts';
import { violated } from '../invariants.ts';

/** No message is lost silently: in the end each was handled, or lies in a dead-letter queue, and the outbox is empty. */
export function messages({ catalog, queues }: Stage): Capability {
  function waiting(): string | undefined {
    for (const { queue, visible, inFlight, delayed } of queues.counts()) {
      const count = visible + inFlight + delayed;
      if (!queue.endsWith('-dlq') && count > 0) return `Queue ${queue} still holds ${count} messages.`;
    }
    const unsent = [...catalog.committed('OUTBOX#')].length;
    return unsent > 0 ? `${unsent} outbox messages were never sent.` : undefined;
  }

  return {
    atRest: () => waiting() === undefined,
    async check() {
      const left = waiting();
      if (left !== undefined) violated(left);
    },
  };
}
