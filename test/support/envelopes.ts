import type { Context, SQSEvent } from 'aws-lambda';
import type { ReceivedMessage } from '../../lib/shared/ports/messageQueue.ts';
import { createContext } from '../../functions/shared/invocation.ts';

/** The batch that Lambda makes of these messages. */
export function sqsBatchOf(messages: readonly ReceivedMessage[]): SQSEvent {
  return {
    Records: messages.map(({ messageId, receiptHandle, body, receiveCount }) => ({
      messageId,
      receiptHandle,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: '0',
        SenderId: 'test',
        ApproximateFirstReceiveTimestamp: '0',
      },
      messageAttributes: {},
      md5OfBody: '',
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:local:000000000000:test',
      awsRegion: 'local',
    })),
  };
}

/** An SQS batch of these bodies, with message ids `m1`, `m2` … */
export function sqsBatch(bodies: readonly unknown[], receiveCount = 1): SQSEvent {
  return sqsBatchOf(
    bodies.map((body, index) => ({
      messageId: `m${index + 1}`,
      receiptHandle: `r${index + 1}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      receiveCount,
    })),
  );
}

export function testContext(remainingMs: () => number = () => 900_000): Context {
  return createContext({ functionName: 'test', requestId: 'request-1', remainingMs });
}

/** For batches that were received from no queue: nothing can be put off. */
export const noMessages = { changeVisibility: async () => undefined };
