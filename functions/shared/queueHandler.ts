import createMiddy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type * as z from 'zod/mini';
import { ContractError } from '../../lib/shared/errors.ts';
import type { CorrelationId } from '../../lib/shared/ids.ts';
import { type HandlerDeps, type Invocation, invocationOf } from './invocation.ts';
import { reportError, reportFailure, WITHOUT_TIMER } from './middleware.ts';

export interface QueueHandlerOptions<Message> {
  readonly name: string;
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
 * the dead-letter queue. The others of the batch are done.
 */
export function queueHandler<Message>(deps: HandlerDeps, options: QueueHandlerOptions<Message>): QueueHandler {
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
      reportError(telemetry, options.name, 'record-failed', error);
      return false;
    }
  }

  return createMiddy<SQSEvent, SQSBatchResponse>(WITHOUT_TIMER)
    .use(reportFailure(deps, options.name))
    .handler(async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
      const invocation = invocationOf(deps, options.name, context);
      const waiting = [...event.Records];
      const failed: { readonly itemIdentifier: string }[] = [];
      const worker = async () => {
        for (let record = waiting.shift(); record !== undefined; record = waiting.shift()) {
          if (!(await handleRecord(record, invocation))) failed.push({ itemIdentifier: record.messageId });
        }
      };
      await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 4, waiting.length) }, worker));
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
