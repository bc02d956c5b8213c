import { describe, expect, it } from 'vitest';
import { CatalogChanges } from '../../../events/aws/catalogChanges.v1.ts';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteCatalogStore } from '../../../lib/adapters/embedded/sqliteCatalogStore.ts';
import { outboxPut } from '../../../lib/catalog/index.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import type { InvocationOutcome } from '../../../runtime/invoker.ts';
import { createOutboxStream } from '../../../runtime/outboxStream.ts';

describe('the stream of the outbox', () => {
  const message = outboxPut({ id: 'm1', queue: 'digest', body: {} }, EpochMs.parse(1));

  function prepare(outcome: InvocationOutcome = { outcome: 'answered', answer: undefined }) {
    const sent: (readonly [string, unknown])[] = [];
    const woken: CatalogChanges[] = [];
    let noted = 0;
    const stream = createOutboxStream(createSqliteCatalogStore(openDatabase(':memory:')), () => {
      noted += 1;
    });
    const invoker = {
      invoke: async (_name: string, event: unknown) => {
        woken.push(CatalogChanges.parse(event));
        return outcome;
      },
    };
    const sender = {
      send: async (queue: string, [message]: readonly { readonly body: string }[]) =>
        void sent.push([queue, JSON.parse(message?.body ?? '')]),
    };
    return { stream, woken, sent, noted: () => noted, deliver: () => stream.deliver(invoker, sender) };
  }

  it('wakes the relay with the keys of committed outbox rows, once', async () => {
    const { stream, woken, noted, deliver } = prepare();
    const other = { key: { partition: 'MODEL#a', sort: 'META' }, body: { v: 1 } };
    await stream.catalog.transact([message, { kind: 'put', item: other, expect: 'absent' }]);
    expect(noted()).toBe(1);
    await deliver();
    await deliver();
    const keys = woken.flatMap(({ Records }) => Records.map(({ dynamodb }) => dynamodb.Keys.sk.S));
    expect(keys).toEqual(['000000000000001#m1']);
  });

  it('gives a batch that the relay fails four times to its dead-letter queue, and goes on', async () => {
    const { stream, woken, sent, deliver } = prepare({ outcome: 'failed', error: new Error('broken') });
    await stream.catalog.transact([message]);
    await deliver();
    await deliver();
    expect(woken).toHaveLength(4);
    expect(sent).toEqual([['relay-stream-dlq', woken[0]]]);
  });

  it('stays silent about what was not committed', async () => {
    const { stream, woken, noted, deliver } = prepare();
    await stream.catalog.transact([message]);
    await deliver();
    expect(await stream.catalog.transact([message])).toMatchObject({ outcome: 'conflict' });
    await deliver();
    expect(noted()).toBe(1);
    expect(woken).toHaveLength(1);
  });
});
