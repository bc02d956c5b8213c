import type { SQSEvent } from 'aws-lambda';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../lib/adapters/embedded/sqlite.ts';
import { createSqliteQueues } from '../../../lib/adapters/embedded/sqliteQueues.ts';
import { nodeRandom } from '../../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../../lib/adapters/node/systemClock.ts';
import type { Clock } from '../../../lib/shared/ports/clock.ts';
import { EpochMs } from '../../../lib/shared/units.ts';
import type { InvocationOutcome } from '../../../runtime/invoker.ts';
import { type QueueSource, startQueueSource } from '../../../runtime/queueSource.ts';
import { eventually } from '../../support/eventually.ts';
import { silentTelemetry } from '../../support/silentTelemetry.ts';

/** Twenty times as fast as the world, so that pauses between deliveries are short. */
const fastClock: Clock = {
  now: () => EpochMs.parse(Date.now() * 20),
  sleep: (ms) => systemClock.sleep(ms / 20),
};

const DONE = Array.from({ length: 9 }, (_, index) => `done ${index}`);

describe('a queue source', () => {
  let source: QueueSource | undefined;
  afterEach(() => source?.stop());

  function start(answer: (event: SQSEvent) => Promise<InvocationOutcome> | InvocationOutcome, timeoutSeconds = 1) {
    const queues = createSqliteQueues({ database: openDatabase(':memory:'), clock: fastClock, random: nodeRandom });
    queues.define('ingest-dlq');
    queues.define('ingest', { redrive: { maxReceiveCount: 2, deadLetter: 'ingest-dlq' } });
    const deliveries: { readonly body: string; readonly count: string }[] = [];
    const invoker = {
      invoke: async (_name: string, event: unknown) => {
        const batch = event as SQSEvent;
        for (const { body, attributes } of batch.Records) {
          deliveries.push({ body, count: attributes.ApproximateReceiveCount });
        }
        return answer(batch);
      },
    };
    source = startQueueSource(
      { queues, invoker, clock: fastClock, telemetry: silentTelemetry },
      {
        functionName: 'ingest',
        timeoutSeconds,
        trigger: { kind: 'queue', queue: 'ingest', batchSize: 10, maxReceiveCount: 2, maxConcurrency: 5 },
      },
    );
    const left = () => queues.counts().map((counts) => [counts.queue, counts.visible, counts.inFlight]);
    return { queues, deliveries, left };
  }

  const failing = (bodies: readonly string[], event: SQSEvent): InvocationOutcome => ({
    outcome: 'answered',
    answer: {
      batchItemFailures: event.Records.filter((record) => bodies.includes(record.body)).map((record) => ({
        itemIdentifier: record.messageId,
      })),
    },
  });

  it('removes the nine that were done and brings the tenth to the dead-letter queue', async () => {
    const { queues, deliveries, left } = start((event) => failing(['poison'], event));
    await queues.send(
      'ingest',
      ['poison', ...DONE].map((body) => ({ body })),
    );
    await eventually(async () => {
      expect(left()).toEqual([
        ['ingest', 0, 0],
        ['ingest-dlq', 1, 0],
      ]);
    });
    expect(deliveries.filter(({ body }) => body !== 'poison')).toHaveLength(9);
    expect(deliveries.filter(({ body }) => body === 'poison').map(({ count }) => count)).toEqual(['1', '2']);
  });

  it('takes an empty answer for success', async () => {
    const { queues, left, deliveries } = start(() => ({ outcome: 'answered', answer: undefined }));
    await queues.send('ingest', [{ body: 'a' }]);
    await eventually(async () => expect(deliveries).toHaveLength(1));
    await eventually(async () => expect(left()[0]).toEqual(['ingest', 0, 0]));
  });

  it.each<readonly [string, InvocationOutcome]>([
    ['throws', { outcome: 'failed', error: new Error('broken') }],
    ['answers something else', { outcome: 'answered', answer: { batchItemFailures: 'all' } }],
    [
      'names a message of another batch',
      { outcome: 'answered', answer: { batchItemFailures: [{ itemIdentifier: 'x' }] } },
    ],
  ])('delivers the whole batch again when its function %s', async (_case, outcome) => {
    const { queues, deliveries } = start(() => outcome);
    await queues.send('ingest', [{ body: 'a' }, { body: 'b' }]);
    await eventually(async () => {
      expect(deliveries.map(({ body, count }) => `${body}${count}`).toSorted()).toEqual(['a1', 'a2', 'b1', 'b2']);
    });
  });

  it('leaves what ran out of time invisible: it may still be running', async () => {
    const { queues, left, deliveries } = start(() => ({ outcome: 'timed-out' }), 60);
    await queues.send('ingest', [{ body: 'a' }]);
    await eventually(async () => expect(deliveries).toHaveLength(1));
    expect(left()[0]).toEqual(['ingest', 0, 1]);
  });
});
