import { shardOf } from '../../lib/catalog/index.ts';
import { ContractError, StrataError } from '../../lib/shared/errors.ts';
import { QUEUE_LIMITS } from '../../lib/shared/ports/messageQueue.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';

export interface FailedDelivery {
  readonly error: unknown;
  readonly messageId: string;
  /** 1 for the first delivery. */
  readonly receiveCount: number;
  /** After so many the queue gives the message to its dead-letter queue. */
  readonly maxReceiveCount: number;
}

const FIRST_PAUSE_SECONDS = 5;
const FACTOR = 4;
const JITTER_STEPS = 1_000;

/**
 * After how many seconds a failed message is to be delivered again: 5, 20, 80, 320, so that an outage of five minutes is
 * outlived by five deliveries; each up to a quarter longer, by the message's id, so that many do not come back in step. At
 * once, where waiting cannot help: for what no schema accepts, and for the last delivery, after which the message is dead.
 */
export function decideRetry({ error, maxReceiveCount, messageId, receiveCount }: FailedDelivery): number {
  if (error instanceof ContractError || receiveCount >= maxReceiveCount) return 0;
  const pause = FIRST_PAUSE_SECONDS * FACTOR ** (receiveCount - 1);
  const asked = error instanceof StrataError ? (error.retryAfter ?? 0) / SECOND_MS : 0;
  const jitter = 1 + shardOf(messageId, JITTER_STEPS) / JITTER_STEPS / 4;
  return Math.min(Math.round(Math.max(pause, asked) * jitter), QUEUE_LIMITS.visibilitySeconds);
}
