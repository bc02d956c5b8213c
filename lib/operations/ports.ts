import type { EpochMs } from '../shared/units.ts';

/** Where the messages of a dead-letter queue come from, and what brings them back. */
export type DeadLetterOrigin =
  /** A function's queue: sent to it again. */
  | { readonly kind: 'queue'; readonly queue: string }
  /** Hosts' queues: sent again to the one that each came from, while it is there. */
  | { readonly kind: 'hosts' }
  /** Fired schedules that their function failed: it is called with them again. */
  | { readonly kind: 'schedule'; readonly functionName: string }
  /** Batches of the catalog's stream: the function's schedule does what they would have, so it is fired once for all. */
  | { readonly kind: 'stream'; readonly functionName: string; readonly schedule: string };

export interface DeclaredDeadLetters {
  readonly queue: string;
  readonly origin: DeadLetterOrigin;
}

export interface DeadLetterQueue {
  /** Its own logical name. */
  readonly queue: string;
  /** The function's queue whose failed messages come here; hosts' queues share one and are not named. */
  readonly sources: readonly string[];
  readonly messages: number;
}

export interface QueueStanding {
  /** About: those that are due, and those that were taken and have not ended; neither those that are held back. */
  readonly waiting: number;
  readonly inHand: number;
  /** Of these, where the runtime tells: when the first was sent, and how often one was delivered at most. */
  readonly oldest?: { readonly sentAt: EpochMs; readonly deliveries: number };
}

/** A queue that a function works off. */
export interface WorkQueue extends QueueStanding {
  readonly queue: string;
  readonly functionName: string;
  /** A message that is older means that the function fails or does not keep up. */
  readonly lateAfterMs: number;
}

export interface DeadLetter {
  readonly messageId: string;
  readonly body: string;
  /** The host's queue that it came from, where hosts' queues share the dead-letter queue. */
  readonly source?: string;
}

/** Messages that failed too often. */
export interface DeadLetters {
  list(): Promise<readonly DeadLetterQueue[]>;
  /** Up to `max` messages of a dead-letter queue, which stay there; nobody else gets them for some seconds. */
  look(queue: string, max: number): Promise<readonly DeadLetter[]>;
  /**
   * Brings up to `max` messages of a dead-letter queue back to where they came from, as its origin says, and answers how many.
   * Safe to repeat: consumers are idempotent.
   */
  redrive(queue: string, max: number): Promise<number>;
}
