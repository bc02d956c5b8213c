import { MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';

const FIRST_MS = SECOND_MS;
const LONGEST_MS = MINUTE_MS;
/** Whatever ended it then has nothing to do with how it began. */
const STEADY_MS = 2 * MINUTE_MS;

/** How long an agent that ended waits to be started again: each time twice as long, from the first on where it was up for a while. */
export function revivalPause(before: number | undefined, upMs: number): number {
  if (before === undefined || upMs >= STEADY_MS) return FIRST_MS;
  return Math.min(2 * before, LONGEST_MS);
}
