import { PortError } from '../shared/errors.ts';
import type { OutgoingMessage } from '../shared/ports/messageQueue.ts';
import { QUEUE_LIMITS } from '../shared/ports/messageQueue.ts';

/** SQS's limit on `WaitTimeSeconds`. */
const WAIT_SECONDS = 20;

// The bounds of the port, checked before a call reaches any queue, so that no runtime accepts what the other refuses.

/** Throws `PortError` `invalid-request` or `too-large`. */
export function checkSend(messages: readonly OutgoingMessage[]): void {
  if (messages.length === 0 || messages.length > QUEUE_LIMITS.batchMessages) {
    throw invalid(`A batch has 1 to ${QUEUE_LIMITS.batchMessages} messages, not ${messages.length}.`);
  }
  let bytes = 0;
  for (const { body, delaySeconds = 0 } of messages) {
    if (body === '') throw invalid('A message has a body.');
    checkSeconds('delay', delaySeconds, QUEUE_LIMITS.delaySeconds);
    bytes += Buffer.byteLength(body);
  }
  if (bytes > QUEUE_LIMITS.messageBytes) {
    throw new PortError({
      code: 'too-large',
      message: `A batch carries at most ${QUEUE_LIMITS.messageBytes} bytes, not ${bytes}. Split it.`,
      retryable: false,
    });
  }
}

export function checkReceive(max: number, waitSeconds: number, visibilitySeconds: number): void {
  if (!Number.isInteger(max) || max < 1 || max > QUEUE_LIMITS.batchMessages) {
    throw invalid(`A receive takes 1 to ${QUEUE_LIMITS.batchMessages} messages, not ${max}.`);
  }
  checkSeconds('wait', waitSeconds, WAIT_SECONDS);
  checkVisibility(visibilitySeconds);
}

export function checkVisibility(seconds: number): void {
  checkSeconds('visibility', seconds, QUEUE_LIMITS.visibilitySeconds);
}

export function noSuchQueue(queue: string, cause?: unknown): PortError {
  return new PortError({
    code: 'no-such-queue',
    message: `There is no queue ${queue}; it was never created, or dropped.`,
    retryable: false,
    cause,
  });
}

function checkSeconds(what: string, seconds: number, limit: number): void {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > limit) {
    throw invalid(`A ${what} is 0 to ${limit} whole seconds, not ${seconds}.`);
  }
}

function invalid(message: string): PortError {
  return new PortError({ code: 'invalid-request', message, retryable: false });
}
