import type { Clock } from '../../lib/shared/ports/clock.ts';

const LONGEST_STEP_MS = 10_000;

/**
 * Elapsed milliseconds that only ever grow, from a clock that may jump. Between two readings at most ten seconds count, and
 * a backwards jump counts nothing: a wrong clock can make waits longer, never expire a lease early. Whoever waits by it reads
 * it at least every ten seconds.
 */
export interface SteadyTime {
  elapsed(): number;
}

export function createSteadyTime(clock: Clock): SteadyTime {
  let last = clock.now();
  let total = 0;
  return {
    elapsed() {
      const now = clock.now();
      total += Math.min(Math.max(now - last, 0), LONGEST_STEP_MS);
      last = now;
      return total;
    },
  };
}
