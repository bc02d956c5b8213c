import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../lib/shared/ports/messageQueue.ts';
import { routeNotifications } from '../../../runtime/objectRouter.ts';
import type { QueueTrigger } from '../../../runtime/queueSource.ts';

const trigger = (queue: QueueTrigger['queue'], objectEvents?: QueueTrigger['objectEvents']): QueueTrigger => ({
  kind: 'queue',
  queue,
  batchSize: 10,
  maxReceiveCount: 5,
  maxConcurrency: 5,
  ...(objectEvents === undefined ? {} : { objectEvents }),
});

const TRIGGERS = [
  trigger('ingest', { detailTypes: ['Object Created', 'Object Deleted'], keyPrefix: 'uploads/' }),
  trigger('sweep', { detailTypes: ['Object Created'], keyPrefix: '' }),
  trigger('digest'),
];

function bucketOf(...changes: readonly (readonly [type: string, key: string])[]) {
  let pending = changes.map(([type, key], id) => ({
    id,
    event: JSON.stringify({ 'detail-type': type, detail: { object: { key } } }),
  }));
  return {
    notifications: (limit: number) => pending.slice(0, limit),
    delivered: (id: number) => {
      pending = pending.filter((one) => one.id !== id);
    },
  };
}

describe('the route of the bucket’s events', () => {
  it('leads to every queue whose types and prefix fit, unchanged', async () => {
    const sent: string[] = [];
    const sender = {
      send: async (queue: string, messages: readonly OutgoingMessage[]) => {
        for (const { body } of messages) sent.push(`${queue} ${JSON.parse(body).detail.object.key}`);
      },
    };
    const bucket = bucketOf(
      ['Object Created', 'uploads/a'],
      ['Object Deleted', 'uploads/b'],
      ['Object Created', 'blobs/c'],
    );
    await routeNotifications(bucket, sender, TRIGGERS);
    expect(sent).toEqual(['ingest uploads/a', 'sweep uploads/a', 'ingest uploads/b', 'sweep blobs/c']);
    expect(bucket.notifications(10)).toEqual([]);
  });

  it('keeps an event that could not be sent, and those behind it', async () => {
    const sender = {
      send: async () => {
        throw new Error('unavailable');
      },
    };
    const bucket = bucketOf(
      ['Object Created', 'other'],
      ['Object Created', 'uploads/a'],
      ['Object Created', 'uploads/b'],
    );
    await expect(routeNotifications(bucket, sender, TRIGGERS.slice(0, 1))).rejects.toThrow('unavailable');
    expect(bucket.notifications(10).map(({ id }) => id)).toEqual([1, 2]);
  });
});
