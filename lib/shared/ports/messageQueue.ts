export interface OutgoingMessage {
  readonly body: string;
  readonly delaySeconds?: number;
}

export interface ReceivedMessage {
  readonly messageId: string;
  readonly body: string;
  /** Valid until the message is received again: only the newest handle counts. */
  readonly receiptHandle: string;
  readonly receiveCount: number;
  /** Of a message that its queue gave to a dead-letter queue: that queue. */
  readonly deadLetterSource?: string;
}

export const QUEUE_LIMITS = {
  messageBytes: 1_048_576,
  batchMessages: 10,
  visibilitySeconds: 43_200,
  delaySeconds: 900,
} as const;

/**
 * Sends to a queue by its logical name (`ingest`, `host-a-3`). Delivery is at least once and unordered.
 * Errors: `PortError` `no-such-queue` (final), `too-large` (final), `throttled`, `unavailable` (retryable).
 */
export interface MessageSender {
  /** All or none of at most 10 messages; on a retryable error some may have been sent, so consumers deduplicate. */
  send(queue: string, messages: readonly OutgoingMessage[]): Promise<void>;
}

/** The consumer's side of one queue: long-polled by agents; functions get theirs in envelopes. */
export interface MessageReceiver {
  /** Waits up to `waitSeconds` for up to `max` messages, which stay invisible for `visibilitySeconds`. */
  receive(
    queue: string,
    max: number,
    waitSeconds: number,
    visibilitySeconds: number,
  ): Promise<readonly ReceivedMessage[]>;
  /** A stale handle deletes nothing and is no error. */
  remove(queue: string, receiptHandle: string): Promise<void>;
  /** A stale handle changes nothing and is no error. */
  changeVisibility(queue: string, receiptHandle: string, visibilitySeconds: number): Promise<void>;
}

/** Life and death of host queues. Both calls are idempotent. */
export interface QueueAdmin {
  create(queue: string): Promise<void>;
  drop(queue: string): Promise<void>;
}
