import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../lib/adapters/embedded/sqlite.ts';
import { createSqliteQueues } from '../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { DAY_MS, SECOND_MS } from '../../lib/shared/units.ts';
import { createManualClock } from '../support/manualClock.ts';
import { messageQueueContract, queueAdminContract } from './messageQueue.suite.ts';

function prepare() {
  const manual = createManualClock();
  // Who waits for a message lets the time pass.
  const clock = { now: () => manual.now(), sleep: (ms: number) => manual.advance(ms) };
  const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock, random: nodeRandom });
  return { queues, clock: manual };
}

messageQueueContract('SQLite', async () => {
  const { queues, clock } = prepare();
  return {
    queues,
    newQueue: async () => {
      queues.define('letters-dlq');
      queues.define('letters', { redrive: { maxReceiveCount: 2, deadLetter: 'letters-dlq' } });
      return { queue: 'letters', deadLetter: 'letters-dlq' };
    },
    pass: (seconds) => clock.advance(seconds * SECOND_MS),
  };
});

let names = 0;
queueAdminContract('SQLite', async () => {
  const { queues } = prepare();
  return {
    queues,
    freshName: () => {
      names += 1;
      return `host-h-${names}`;
    },
  };
});

describe('the SQLite queues', () => {
  it('refuse a dropped name for 60 seconds, as SQS does', async () => {
    const { queues, clock } = prepare();
    await queues.create('host-a-1');
    await queues.drop('host-a-1');
    await expect(queues.create('host-a-1')).rejects.toMatchObject({ code: 'unavailable', retryable: true });
    await clock.advance(60 * SECOND_MS);
    await queues.create('host-a-1');
    expect(await queues.receive('host-a-1', 1, 0, 30)).toEqual([]);
  });

  it('go by what a queue is now, however often it was asked before', async () => {
    const { queues, clock } = prepare();
    queues.define('dlq');
    queues.define('q', { redrive: { maxReceiveCount: 1, deadLetter: 'dlq' } });
    await queues.send('q', [{ body: 'again' }]);
    await queues.receive('q', 1, 0, 1);
    queues.define('q');
    await clock.advance(2 * SECOND_MS);
    expect(await queues.receive('q', 1, 0, 1)).toMatchObject([{ body: 'again', receiveCount: 2 }]);
    await queues.drop('q');
    await expect(queues.receive('q', 1, 0, 1)).rejects.toMatchObject({ code: 'no-such-queue' });
    await expect(queues.send('q', [{ body: 'late' }])).rejects.toMatchObject({ code: 'no-such-queue' });
    await clock.advance(60 * SECOND_MS);
    await queues.create('q');
    await queues.send('q', [{ body: 'new' }]);
    expect(await queues.receive('q', 10, 0, 1)).toMatchObject([{ body: 'new' }]);
  });

  it('tell of each dead letter which of several queues it came from', async () => {
    const { queues, clock } = prepare();
    const sent = clock.now();
    queues.define('shared-dlq');
    for (const queue of ['a', 'b']) {
      queues.define(queue, { redrive: { maxReceiveCount: 1, deadLetter: 'shared-dlq' } });
      await queues.send(queue, [{ body: `from ${queue}` }]);
      await queues.receive(queue, 1, 0, 1);
    }
    await clock.advance(2 * SECOND_MS);
    for (const queue of ['a', 'b']) expect(await queues.receive(queue, 1, 0, 1)).toEqual([]);
    expect(queues.counts().find((counts) => counts.queue === 'shared-dlq')).toEqual({
      queue: 'shared-dlq',
      deadLetterOf: ['a', 'b'],
      visible: 2,
      inFlight: 0,
      delayed: 0,
      oldest: { sentAt: sent, deliveries: 0 },
    });
    const letters = await queues.receive('shared-dlq', 10, 0, 1);
    expect(letters.map(({ body, deadLetterSource }) => `${body}: ${deadLetterSource}`).toSorted()).toEqual([
      'from a: a',
      'from b: b',
    ]);
  });

  it('fill a batch with later messages when earlier ones are dead', async () => {
    const { queues, clock } = prepare();
    queues.define('dlq');
    queues.define('q', { redrive: { maxReceiveCount: 1, deadLetter: 'dlq' } });
    await queues.send('q', [{ body: 'dead' }]);
    await queues.receive('q', 1, 0, 1);
    await clock.advance(2 * SECOND_MS);
    await queues.send('q', [{ body: 'alive' }]);
    expect(await queues.receive('q', 1, 0, 30)).toMatchObject([{ body: 'alive' }]);
  });

  it('drop messages past their retention and count what waits, flies and is delayed', async () => {
    const { queues, clock } = prepare();
    queues.define('q');
    await queues.send('q', [{ body: 'old' }]);
    await clock.advance(14 * DAY_MS + 1);
    expect(await queues.receive('q', 1, 0, 1)).toEqual([]);
    expect(queues.dropExpired()).toBe(1);
    await queues.send('q', [{ body: '1' }, { body: '2' }, { body: '3', delaySeconds: 9 }]);
    await queues.receive('q', 1, 0, 30);
    const oldest = { sentAt: clock.now(), deliveries: 1 };
    expect(queues.counts()).toMatchObject([{ queue: 'q', visible: 1, inFlight: 1, delayed: 1, oldest }]);
  });

  it('free what a consumer had received when it starts anew', async () => {
    const { queues } = prepare();
    queues.define('q');
    await queues.send('q', [{ body: 'interrupted' }, { body: 'delayed', delaySeconds: 60 }]);
    await queues.receive('q', 10, 0, 5_400);
    queues.release('q');
    expect(await queues.receive('q', 10, 0, 30)).toMatchObject([{ body: 'interrupted', receiveCount: 2 }]);
  });
});
