import { OutboxRow } from '../../../lib/catalog/index.ts';
import { FunctionQueue } from '../../../lib/shared/queues.ts';
import { rowReader, violated } from '../invariants.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

/** No message is lost silently: in the end each was handled, or lies in a dead-letter queue, and the outbox is empty. */
export function messages({ catalog, queues, sent }: Stage): Capability {
  const read = rowReader(OutboxRow);

  /** Messages to hosts may be dropped with the queue of a host that is gone. */
  function onRow({ key, before, after }: RowChange): void {
    if (!key.partition.startsWith('OUTBOX#') || before === undefined || after !== undefined) return;
    const { id, queue, body } = read(before);
    if (FunctionQueue.safeParse(queue).success && !sent.has(`${queue} ${body}`))
      violated(`${key.partition}: ${id} for ${queue} was deleted before it was sent.`);
  }

  function waiting(): string | undefined {
    for (const { queue, visible, inFlight, delayed } of queues.counts()) {
      const count = visible + inFlight + delayed;
      if (!queue.endsWith('-dlq') && count > 0) return `Queue ${queue} still holds ${count} messages.`;
    }
    const unsent = [...catalog.committed('OUTBOX#')].length;
    return unsent > 0 ? `${unsent} outbox messages were never sent.` : undefined;
  }

  return {
    onRow,
    atRest: () => waiting() === undefined,
    async check() {
      const left = waiting();
      if (left !== undefined) violated(left);
    },
  };
}
