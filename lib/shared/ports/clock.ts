import type { EpochMs } from '../units.ts';

/**
 * The only source of time. It may jump, backwards too: nothing is deleted or expired on the word of one reading alone
 * where a generation or a version number can decide instead.
 */
export interface Clock {
  now(): EpochMs;
  /** Resolves after at least `ms`. In the simulator after a crash it never settles. */
  sleep(ms: number): Promise<void>;
}
