/**
 * Milliseconds in which this thread was let run. While a cgroup throttles it, or the process is stopped, servers are not
 * silent, only unheard: that time is left out where a round comes much later than it was due.
 */
export interface AwakeClock {
  /** Never goes back: from when a round is due it stands until the round comes and tells how late it is. */
  readonly now: () => number;
  /** To be called every `everyMs`. */
  round(): void;
}

export function createAwakeClock(everyMs: number, now: () => number): AwakeClock {
  let missed = 0;
  let last = now();
  return {
    now: () => Math.min(now(), last + everyMs) - missed,
    round() {
      const at = now();
      const late = at - last - everyMs;
      last = at;
      if (late > everyMs / 2) missed += late;
    },
  };
}
