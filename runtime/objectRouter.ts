import * as z from 'zod/mini';
import type { MessageSender } from '../lib/shared/ports/messageQueue.ts';
import type { ObjectNotification } from '../lib/adapters/embedded/fileObjectStore.ts';
import type { QueueTrigger } from './queueSource.ts';

const BATCH = 100;

const Routed = z.object({
  'detail-type': z.enum(['Object Created', 'Object Deleted', 'Object Restore Completed', 'Object Restore Expired']),
  detail: z.object({ object: z.object({ key: z.string() }) }),
});

export interface ObjectNotifications {
  notifications(limit: number): readonly ObjectNotification[];
  delivered(id: number): void;
}

/**
 * What EventBridge does between the bucket and the queues: sends each change of the bucket to every queue whose route
 * fits. A change is confirmed after it was sent, so a crash in between sends it twice, never not at all.
 */
export async function routeNotifications(
  bucket: ObjectNotifications,
  sender: MessageSender,
  triggers: readonly QueueTrigger[],
): Promise<void> {
  for (let pending = bucket.notifications(BATCH); pending.length > 0; pending = bucket.notifications(BATCH)) {
    for (const { id, event } of pending) {
      const routed = Routed.parse(JSON.parse(event));
      for (const { queue, objectEvents: route } of triggers) {
        const fits =
          route?.detailTypes.includes(routed['detail-type']) === true &&
          routed.detail.object.key.startsWith(route.keyPrefix);
        if (fits) await sender.send(queue, [{ body: event }]);
      }
      bucket.delivered(id);
    }
  }
}
