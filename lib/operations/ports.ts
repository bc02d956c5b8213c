export interface DeadLetterQueue {
  /** Its own logical name. */
  readonly queue: string;
  /** The queues whose failed messages come here; host queues share one and are not named. */
  readonly sources: readonly string[];
  readonly messages: number;
}

/** Messages that failed too often. */
export interface DeadLetters {
  list(): Promise<readonly DeadLetterQueue[]>;
  /**
   * Moves up to `max` messages of a dead-letter queue back to where they came from and answers how many, or, where the store
   * moves them later, how many it will at most. Safe to repeat: consumers are idempotent.
   */
  redrive(queue: string, max: number): Promise<number>;
}
