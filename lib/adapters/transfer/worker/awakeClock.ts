/**
 * Milliseconds in which this thread was let run. While a cgroup throttles it, or the process is stopped, servers are not
 * silent, only unheard: that time is left out as soon as a round comes much later than it was due.
 */
export interface AwakeClock {
  readonly now: () => number;
  /** To be called every `everyMs`. */
  round(): void;
}

export function createAwakeClock(everyMs: number, now: () => number): AwakeClock {
  let missed = 0;
  let last = now();
  return {
    now: () => now() - missed,
    round() {
      const at = now();
      const late = at - last - everyMs;
      last = at;
      if (late > everyMs / 2) missed += late;
    },
  };
}
