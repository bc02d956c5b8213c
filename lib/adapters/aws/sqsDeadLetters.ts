import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { DeadLetters } from '../../operations/index.ts';
import { FunctionQueue } from '../../shared/queues.ts';
import { mapErrors } from './errors.ts';
import { createSqsReceiver, createSqsSender, type SqsQueuesOptions } from './sqsQueues.ts';

const SUFFIX = '-dead';
const BATCH = 10;
/** Long enough for one batch; what a killed redrive had taken comes back after it. */
const VISIBILITY_SECONDS = 60;

/**
 * The dead-letter queues of the functions' queues. A redrive sends a message back before it deletes it here, so that one
 * which is cut off leaves it twice and never not at all.
 */
export function createSqsDeadLetters(options: SqsQueuesOptions): DeadLetters {
  const receiver = createSqsReceiver(options);
  const sender = createSqsSender(options);
  return {
    list: () =>
      Promise.all(
        FunctionQueue.options.map(async (source) => {
          const queue = source + SUFFIX;
          const { Attributes } = await mapErrors(`count the messages of ${queue}`, () =>
            options.client.send(
              new GetQueueAttributesCommand({
                QueueUrl: options.urlPrefix + queue,
                AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
              }),
            ),
          );
          const messages =
            Number(Attributes?.ApproximateNumberOfMessages ?? 0) +
            Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0);
          return { queue, sources: [source], messages };
        }),
      ),
    async redrive(queue, max) {
      const source = queue.slice(0, -SUFFIX.length);
      let moved = 0;
      while (moved < max) {
        const batch = await receiver.receive(queue, Math.min(BATCH, max - moved), 1, VISIBILITY_SECONDS);
        if (batch.length === 0) break;
        for (const { body, receiptHandle } of batch) {
          await sender.send(source, [{ body }]);
          await receiver.remove(queue, receiptHandle);
          moved += 1;
        }
      }
      return moved;
    },
  };
}
