import { streamDeadLetters } from '../functions/shared/declaration.ts';
import type { CatalogStore, ItemKey } from '../lib/shared/ports/catalogStore.ts';
import type { MessageSender } from '../lib/shared/ports/messageQueue.ts';
import { streamEvent } from './envelopes.ts';
import type { Invoker } from './invoker.ts';

/** What the stream's filter lets through on AWS. */
const OUTBOX_PREFIX = 'OUTBOX#';
/** Keys that wait for the relay at most; beyond, the relay's own sweep finds the rows. */
const MOST_KEYS = 1_000;
const BATCH = 100;
const RELAY = 'relay';
/** As the event source mapping on AWS has it: one and three more. */
const TRIES = 4;

export interface OutboxStream {
  /** The same catalog; new outbox rows are noted after they are committed. */
  readonly catalog: CatalogStore;
  /** Wakes the relay with the rows noted since the last call. A batch that fails four times goes to its dead-letter queue. */
  deliver(invoker: Invoker, sender: MessageSender): Promise<void>;
}

/** What the table's stream does on AWS. `onNoted` is called after each commit with outbox rows. */
export function createOutboxStream(catalog: CatalogStore, onNoted: () => void): OutboxStream {
  const noted: ItemKey[] = [];
  return {
    catalog: {
      get: (key) => catalog.get(key),
      query: (query) => catalog.query(query),
      queryIndex: (index, query) => catalog.queryIndex(index, query),
      async transact(changes) {
        const outcome = await catalog.transact(changes);
        if (outcome.outcome !== 'committed') return outcome;
        const keys = changes.flatMap((change) => (change.kind === 'put' ? [change.item.key] : []));
        const inserted = keys.filter((key) => key.partition.startsWith(OUTBOX_PREFIX));
        if (inserted.length > 0 && noted.length < MOST_KEYS) noted.push(...inserted);
        if (inserted.length > 0) onNoted();
        return outcome;
      },
    },
    async deliver(invoker, sender) {
      while (noted.length > 0) {
        const event = streamEvent(noted.splice(0, BATCH));
        if (await wakes(invoker, event)) continue;
        await sender.send(streamDeadLetters(RELAY), [{ body: JSON.stringify(event) }]);
      }
    },
  };
}

async function wakes(invoker: Invoker, event: ReturnType<typeof streamEvent>): Promise<boolean> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    if ((await invoker.invoke(RELAY, event)).outcome === 'answered') return true;
  }
  return false;
}
