import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteQueues } from '../../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../../lib/adapters/node/nodeRandom.ts';
import { createDeadLetters } from '../../../lib/operations/index.ts';
import { PortError } from '../../../lib/shared/errors.ts';
import { createManualClock } from '../../support/manualClock.ts';

it('a look shows every letter again, also when one of them was taken away meanwhile', async () => {
  const clock = createManualClock();
  const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock, random: nodeRandom });
  queues.define('reap-schedule-dlq');
  await queues.send('reap-schedule-dlq', [{ body: '1' }, { body: '2' }]);
  let calls = 0;
  const letters = createDeadLetters({
    clock,
    declared: [{ queue: 'reap-schedule-dlq', origin: { kind: 'schedule', functionName: 'reap' } }],
    receiver: {
      ...queues,
      async changeVisibility(...args) {
        calls += 1;
        if (calls === 1) throw new PortError({ code: 'invalid-request', message: 'it is gone', retryable: false });
        return queues.changeVisibility(...args);
      },
    },
    sender: queues,
    waitSeconds: 0,
    count: async () => 2,
    call: async () => undefined,
  });
  const seen = await letters.look('reap-schedule-dlq', 10);
  expect(seen.map(({ body }) => body)).toEqual(['1', '2']);
  expect(await queues.receive('reap-schedule-dlq', 10, 0, 30)).toMatchObject([{ body: '2' }]);
});

describe('a redrive', () => {
  function prepare(onCall: () => Promise<void> = async () => undefined) {
    const clock = createManualClock();
    const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock, random: nodeRandom });
    for (const queue of ['hosts-dlq', 'reap-schedule-dlq', 'relay-stream-dlq']) queues.define(queue);
    const called: string[] = [];
    const letters = createDeadLetters({
      clock,
      declared: [
        { queue: 'hosts-dlq', origin: { kind: 'hosts' } },
        { queue: 'reap-schedule-dlq', origin: { kind: 'schedule', functionName: 'reap' } },
        { queue: 'relay-stream-dlq', origin: { kind: 'stream', functionName: 'relay', schedule: 'relay-sweep' } },
      ],
      receiver: queues,
      sender: queues,
      waitSeconds: 0,
      count: async (queue) => queues.counts().find((one) => one.queue === queue)?.visible ?? 0,
      async call(name, event) {
        called.push(`${name} ${event}`);
        await onCall();
      },
    });
    const left = async (queue: string) => (await letters.list()).find((one) => one.queue === queue)?.messages;
    return { clock, queues, letters, called, left };
  }

  it('ends although what it brings back fails again at once', async () => {
    const { queues, letters, called } = prepare(() => queues.send('reap-schedule-dlq', [{ body: '{}' }]));
    await queues.send('reap-schedule-dlq', [{ body: '{}' }]);
    expect(await letters.redrive('reap-schedule-dlq', 1000)).toBe(1);
    expect(called).toEqual(['reap {}']);
  });

  it('keeps a letter whose function cannot be called', async () => {
    const { clock, queues, letters, left } = prepare(() => Promise.reject(new Error('no answer')));
    await queues.send('reap-schedule-dlq', [{ body: '{}' }]);
    await expect(letters.redrive('reap-schedule-dlq', 10)).rejects.toThrow('no answer');
    await clock.advance(61_000);
    expect(await left('reap-schedule-dlq')).toBe(1);
  });

  it('fires one schedule for all batches of a stream', async () => {
    const { queues, letters, called, left } = prepare();
    await queues.send('relay-stream-dlq', [{ body: '1' }, { body: '2' }, { body: '3' }]);
    expect(await letters.redrive('relay-stream-dlq', 10)).toBe(3);
    expect(called).toEqual([expect.stringContaining('relay {"schedule":"relay-sweep"')]);
    expect(await left('relay-stream-dlq')).toBe(0);
  });

  it('brings a host’s command back to its queue, and keeps one whose queue is gone', async () => {
    const { clock, queues, letters, left } = prepare();
    for (const queue of ['host-a-1', 'host-b-1']) {
      queues.define(queue, { redrive: { maxReceiveCount: 1, deadLetter: 'hosts-dlq' } });
      await queues.send(queue, [{ body: queue }]);
      await queues.receive(queue, 1, 0, 1);
    }
    await clock.advance(2_000);
    for (const queue of ['host-a-1', 'host-b-1']) await queues.receive(queue, 1, 0, 1);
    await queues.drop('host-b-1');
    expect(await letters.redrive('hosts-dlq', 10)).toBe(1);
    expect(await queues.receive('host-a-1', 1, 0, 30)).toMatchObject([{ body: 'host-a-1' }]);
    await clock.advance(61_000);
    expect(await left('hosts-dlq')).toBe(1);
  });

  it('of a queue that is none for dead letters is refused', async () => {
    await expect(prepare().letters.redrive('ingest', 1)).rejects.toMatchObject({ code: 'no-such-queue' });
  });
});
