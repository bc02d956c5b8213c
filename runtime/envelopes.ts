import { createHash } from 'node:crypto';
import type { SQSEvent } from 'aws-lambda';
import type { CatalogChanges } from '../events/aws/catalogChanges.v1.ts';
import type { HttpCall } from '../events/aws/httpCall.v1.ts';
import type { ScheduleFired } from '../events/aws/scheduleFired.v1.ts';
import type { ItemKey } from '../lib/shared/ports/catalogStore.ts';
import type { ReceivedMessage } from '../lib/shared/ports/messageQueue.ts';
import type { EpochMs } from '../lib/shared/units.ts';

// What Lambda gives to its functions, made for the same handlers without Lambda.

export function queueEvent(queue: string, messages: readonly ReceivedMessage[], now: EpochMs): SQSEvent {
  return {
    Records: messages.map((message) => ({
      messageId: message.messageId,
      receiptHandle: message.receiptHandle,
      body: message.body,
      attributes: {
        ApproximateReceiveCount: String(message.receiveCount),
        SentTimestamp: String(now),
        SenderId: '000000000000',
        ApproximateFirstReceiveTimestamp: String(now),
      },
      messageAttributes: {},
      md5OfBody: createHash('md5').update(message.body).digest('hex'),
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:local:000000000000:${queue}`,
      awsRegion: 'local',
    })),
  };
}

export function scheduleEvent(schedule: string, at: EpochMs): ScheduleFired {
  return { schedule, scheduledTime: new Date(at).toISOString() };
}

export function streamEvent(inserted: readonly ItemKey[]): CatalogChanges {
  return {
    Records: inserted.map(({ partition, sort }) => ({
      eventName: 'INSERT',
      dynamodb: { Keys: { pk: { S: partition }, sk: { S: sort } } },
    })),
  };
}

export interface IncomingCall {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Who the runtime authenticated, on routes that ask for it. */
  readonly callerArn?: string;
}

export function httpEvent(call: IncomingCall): HttpCall {
  return {
    version: '2.0',
    rawPath: call.path,
    rawQueryString: call.query,
    headers: { ...call.headers },
    body: call.body,
    isBase64Encoded: false,
    requestContext: {
      http: { method: call.method },
      ...(call.callerArn === undefined ? {} : { authorizer: { iam: { userArn: call.callerArn } } }),
    },
  };
}
