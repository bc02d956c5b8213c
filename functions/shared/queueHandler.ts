import createMiddy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type * as z from 'zod/mini';
import { eachOf } from '../../lib/shared/eachOf.ts';
import { ContractError, errorText } from '../../lib/shared/errors.ts';
import type { CorrelationId } from '../../lib/shared/ids.ts';
import type { MessageReceiver } from '../../lib/shared/ports/messageQueue.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { type FunctionDeclaration, queueTriggerOf } from './declaration.ts';
import { decideRetry } from './decideRetry.ts';
import { type HandlerDeps, type Invocation, invocationOf } from './invocation.ts';
import { reportError, reportFailure, WITHOUT_TIMER } from './middleware.ts';

/** What a handler of queue messages needs besides. */
export interface QueueHandlerDeps extends HandlerDeps {
  /** Of the queues that functions work off. */
  readonly messages: Pick<MessageReceiver, 'changeVisibility'>;
}

export interface QueueHandlerOptions<Message> {
  readonly declaration: FunctionDeclaration;
  readonly message: z.ZodMiniType<Message>;
  /** Where the message carries its correlation id. */
  readonly correlationId?: (message: Message) => CorrelationId;
  /** How many records of one batch are worked on at once. */
  readonly concurrency?: number;
  /** Idempotent: the same message may come again, also at the same time. A rejection returns the record to its queue. */
  readonly handle: (message: Message, delivery: Delivery) => Promise<void>;
}

export interface Delivery extends Invocation {
  readonly messageId: string;
  /** 1 for the first delivery. */
  readonly receiveCount: number;
}

export type QueueHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/**
 * Handles a batch from SQS: each record is parsed and handed to one use case, a few at a time. A record that cannot be
 * parsed, or whose use case rejects, is reported as failed: the queue delivers it again and, after its maximum, moves it to
 * the dead-letter queue. The others of the batch are done. How soon a failed one comes again is set here, since no runtime
 * does it by itself: without it, a message stays hidden for six time limits of its function.
 */
export function queueHandler<Message>(deps: QueueHandlerDeps, options: QueueHandlerOptions<Message>): QueueHandler {
  const { name } = options.declaration;
  const trigger = queueTriggerOf(options.declaration);

  async function handleRecord(record: SQSRecord, invocation: Invocation): Promise<boolean> {
    let telemetry = invocation.telemetry.with({ messageId: record.messageId });
    try {
      const message = parseBody(options.message, record.body);
      const correlationId = options.correlationId?.(message);
      if (correlationId !== undefined) telemetry = telemetry.with({ correlationId });
      const receiveCount = Number(record.attributes.ApproximateReceiveCount);
      await options.handle(message, { ...invocation, telemetry, messageId: record.messageId, receiveCount });
      return true;
    } catch (error) {
      reportError(telemetry, name, 'record-failed', error);
      await comeAgain(record, error, telemetry);
      return false;
    }
  }

  /** One that cannot be told comes again when its visibility ends. */
  async function comeAgain(record: SQSRecord, error: unknown, telemetry: Telemetry): Promise<void> {
    const { messageId, receiptHandle } = record;
    const receiveCount = Number(record.attributes.ApproximateReceiveCount);
    const { maxReceiveCount, queue } = trigger;
    const seconds = decideRetry({ error, messageId, receiveCount, maxReceiveCount });
    try {
      await deps.messages.changeVisibility(queue, receiptHandle, seconds);
    } catch (refused) {
      telemetry.warn('retry-not-set', { queue, error: errorText(refused) });
    }
  }

  return createMiddy<SQSEvent, SQSBatchResponse>(WITHOUT_TIMER)
    .use(reportFailure(deps, name))
    .handler(async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
      const invocation = invocationOf(deps, name, context);
      const failed: { readonly itemIdentifier: string }[] = [];
      await eachOf(event.Records, options.concurrency ?? 4, async (record) => {
        if (!(await handleRecord(record, invocation))) failed.push({ itemIdentifier: record.messageId });
      });
      return { batchItemFailures: failed };
    });
}

function parseBody<Message>(schema: z.ZodMiniType<Message>, body: string): Message {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw unreadable(cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw unreadable(parsed.error);
  return parsed.data;
}

function unreadable(cause: unknown): ContractError {
  return new ContractError({
    code: 'invalid-message',
    message: 'The message is not what this queue carries. See its dead-letter queue: `strata dlq list`.',
    retryable: false,
    cause,
  });
}
