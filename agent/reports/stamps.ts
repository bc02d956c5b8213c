import type { Clock } from '../../lib/shared/ports/clock.ts';
import { EpochMs } from '../../lib/shared/units.ts';

/**
 * The moments that a host's reports carry. The plane orders what was measured by them, so each is later than the one before,
 * also within one millisecond and when the clock jumps back, with a restart between.
 */
export interface Stamps {
  next(): EpochMs;
}

/** `before` answers the latest moment that earlier lives have reported. */
export function createStamps(clock: Clock, before: () => number): Stamps {
  let last = 0;
  return {
    next() {
      last = Math.max(clock.now(), Math.max(last, before()) + 1);
      return EpochMs.parse(last);
    },
  };
}
