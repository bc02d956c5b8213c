import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { mapErrors } from './errors.ts';
import type { SqsQueuesOptions } from './sqsQueues.ts';

/** Counts a queue's messages, about: those that are visible and those that somebody looks at. */
export function createSqsCount({ client, urlPrefix }: SqsQueuesOptions): (queue: string) => Promise<number> {
  return async (queue) => {
    const { Attributes } = await mapErrors(`count the messages of ${queue}`, () =>
      client.send(
        new GetQueueAttributesCommand({
          QueueUrl: urlPrefix + queue,
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      ),
    );
    const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } = Attributes ?? {};
    return Number(visible ?? 0) + Number(hidden ?? 0);
  };
}
