import type { Clock } from '../../lib/shared/ports/clock.ts';
import { EpochMs } from '../../lib/shared/units.ts';

export interface ManualClock extends Clock {
  /** Moves time forward; sleeps that end by then resolve in their order. */
  advance(ms: number): Promise<void>;
}

/** Time that stands still until a test moves it. */
export function createManualClock(start = 1_763_640_000_000): ManualClock {
  let now = start;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  return {
    now: () => EpochMs.parse(now),
    sleep: (ms) =>
      new Promise((wake) => {
        sleepers.push({ until: now + ms, wake });
      }),
    async advance(ms) {
      now += ms;
      const due = sleepers.filter((sleeper) => sleeper.until <= now).toSorted((a, b) => a.until - b.until);
      sleepers = sleepers.filter((sleeper) => sleeper.until > now);
      for (const sleeper of due) sleeper.wake();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}
