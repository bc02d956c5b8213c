import { shardOf } from '../catalog/index.ts';

/** Nobody is sent away for longer: what was expected may come sooner. */
const LONGEST_SECONDS = 3_600;
const LEAST_SPREAD_SECONDS = 5;
const STEPS = 1_000;

/**
 * After how many seconds to ask again for what is expected in `seconds`. Those who ask at once come back one after another: spread over a
 * tenth of the time after it is expected, or over the second half of the hour where it takes longer. `seed` tells callers and calls apart.
 */
export function askAgainSeconds(seconds: number, seed: string): number {
  const draw = shardOf(seed, STEPS) / STEPS;
  const later = Math.ceil(seconds + draw * Math.max(LEAST_SPREAD_SECONDS, seconds / 10));
  return later <= LONGEST_SECONDS ? Math.max(1, later) : Math.ceil(LONGEST_SECONDS * (0.5 + draw / 2));
}
