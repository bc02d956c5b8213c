import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { PortError } from '../../shared/errors.ts';
import type { MessageReceiver, MessageSender, QueueAdmin, ReceivedMessage } from '../../shared/ports/messageQueue.ts';
import { checkReceive, checkSend, checkVisibility } from '../queueCalls.ts';
import { awsErrorName, mapErrors, portErrorOf } from './errors.ts';

/** A deleted, expired or superseded receipt: the message is somebody else's by now, or nobody's. */
const STALE_HANDLE = new Set(['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue']);

export interface SqsQueuesOptions {
  readonly client: SQSClient;
  /** What stands before a queue's logical name in its URL: `https://sqs.<region>.amazonaws.com/<account>/<prefix>-`. */
  readonly urlPrefix: string;
}

/** What stands before a logical name in a queue's name, and before a function's too. */
export function queueNamePrefix(urlPrefix: string): string {
  return urlPrefix.slice(urlPrefix.lastIndexOf('/') + 1);
}

export function createSqsSender({ client, urlPrefix }: SqsQueuesOptions): MessageSender {
  return {
    async send(queue, messages) {
      checkSend(messages);
      const answer = await mapErrors(`send to queue ${queue}`, () =>
        client.send(
          new SendMessageBatchCommand({
            QueueUrl: urlPrefix + queue,
            Entries: messages.map((message, index) => ({
              Id: String(index),
              MessageBody: message.body,
              DelaySeconds: message.delaySeconds,
            })),
          }),
        ),
      );
      const failed = answer.Failed?.[0];
      if (failed === undefined) return;
      throw new PortError({
        code: failed.SenderFault === true ? 'invalid-request' : 'unavailable',
        message: `Queue ${queue} did not take ${answer.Failed?.length} of ${messages.length} messages: ${failed.Code} ${failed.Message ?? ''}`,
        retryable: failed.SenderFault !== true,
      });
    },
  };
}

export function createSqsReceiver({ client, urlPrefix }: SqsQueuesOptions): MessageReceiver {
  const namePrefix = queueNamePrefix(urlPrefix);
  /** The logical name in `arn:aws:sqs:<region>:<account>:<prefix>-<queue>`. */
  const sourceOf = (arn: string | undefined): Pick<ReceivedMessage, 'deadLetterSource'> => {
    const name = arn?.split(':').at(-1);
    return name?.startsWith(namePrefix) === true ? { deadLetterSource: name.slice(namePrefix.length) } : {};
  };
  return {
    async receive(queue, max, waitSeconds, visibilitySeconds) {
      checkReceive(max, waitSeconds, visibilitySeconds);
      const answer = await mapErrors(`receive from queue ${queue}`, () =>
        client.send(
          new ReceiveMessageCommand({
            QueueUrl: urlPrefix + queue,
            MaxNumberOfMessages: max,
            WaitTimeSeconds: waitSeconds,
            VisibilityTimeout: visibilitySeconds,
            MessageSystemAttributeNames: ['ApproximateReceiveCount', 'DeadLetterQueueSourceArn'],
          }),
        ),
      );
      return (answer.Messages ?? []).map((message) => ({
        messageId: message.MessageId ?? '',
        body: message.Body ?? '',
        receiptHandle: message.ReceiptHandle ?? '',
        receiveCount: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
        ...sourceOf(message.Attributes?.DeadLetterQueueSourceArn),
      }));
    },
    remove: (queue, receiptHandle) =>
      unlessStale(`delete from queue ${queue}`, () =>
        client.send(new DeleteMessageCommand({ QueueUrl: urlPrefix + queue, ReceiptHandle: receiptHandle })),
      ),
    async changeVisibility(queue, receiptHandle, visibilitySeconds) {
      checkVisibility(visibilitySeconds);
      await unlessStale(`extend a message of queue ${queue}`, () =>
        client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: urlPrefix + queue,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: visibilitySeconds,
          }),
        ),
      );
    },
  };
}

export interface SqsHostQueuesOptions extends SqsQueuesOptions {
  /** The dead-letter queue that all hosts' queues share. */
  readonly deadLetterArn: string;
  /** After so many deliveries a command goes to the dead-letter queue. */
  readonly maxReceiveCount: number;
  readonly retentionSeconds: number;
  readonly visibilitySeconds: number;
}

/** Creates and drops hosts' queues: encrypted, refusing plain HTTP, with their poison commands led to the shared queue. */
export function createSqsQueueAdmin(options: SqsHostQueuesOptions): QueueAdmin {
  const { client, urlPrefix } = options;
  return {
    async create(queue) {
      await mapErrors(`create queue ${queue}`, () =>
        client.send(
          new CreateQueueCommand({
            QueueName: queueNamePrefix(urlPrefix) + queue,
            Attributes: {
              VisibilityTimeout: String(options.visibilitySeconds),
              MessageRetentionPeriod: String(options.retentionSeconds),
              SqsManagedSseEnabled: 'true',
              RedrivePolicy: JSON.stringify({
                deadLetterTargetArn: options.deadLetterArn,
                maxReceiveCount: options.maxReceiveCount,
              }),
              Policy: TLS_ONLY,
            },
          }),
        ),
      );
    },
    async drop(queue) {
      try {
        await client.send(new DeleteQueueCommand({ QueueUrl: urlPrefix + queue }));
      } catch (error) {
        const mapped = portErrorOf(`delete queue ${queue}`, error);
        if (mapped.code !== 'no-such-queue') throw mapped;
      }
    },
  };
}

const TLS_ONLY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'RefusePlainHttp',
      Effect: 'Deny',
      Principal: '*',
      Action: 'sqs:*',
      Resource: '*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
  ],
});

async function unlessStale(what: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!STALE_HANDLE.has(awsErrorName(error))) throw portErrorOf(what, error);
  }
}
