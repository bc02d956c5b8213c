import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { QueueStanding } from '../../operations/index.ts';
import { mapErrors } from './errors.ts';
import type { SqsQueuesOptions } from './sqsQueues.ts';

/** Counts a queue's messages, about: those that are visible and those that somebody looks at. */
export function createSqsCount(options: SqsQueuesOptions): (queue: string) => Promise<number> {
  const look = createSqsStanding(options);
  return async (queue) => {
    const { inHand, waiting } = await look(queue);
    return waiting + inHand;
  };
}

/** How old they are SQS tells nobody but CloudWatch. */
export function createSqsStanding({ client, urlPrefix }: SqsQueuesOptions): (queue: string) => Promise<QueueStanding> {
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
    return { waiting: Number(visible ?? 0), inHand: Number(hidden ?? 0) };
  };
}
