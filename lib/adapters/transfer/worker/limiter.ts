/** One rate for everything that a worker reads. */
export interface Limiter {
  set(bytesPerSecond: number): void;
  /** Whether there is a limit at all. */
  limits(): boolean;
  /** Books bytes that have come; answers for how many milliseconds nothing more should be read. */
  spent(bytes: number): number;
}

/** Reading goes on while less than this is owed, so that sockets are not stopped at every packet. */
const SLACK_MS = 20;

export function createLimiter(now: () => number): Limiter {
  let rate = Number.POSITIVE_INFINITY;
  let paidUntil = 0;
  return {
    set(bytesPerSecond) {
      rate = bytesPerSecond;
    },
    limits: () => rate !== Number.POSITIVE_INFINITY,
    spent(bytes) {
      if (rate === Number.POSITIVE_INFINITY) return 0;
      const at = now();
      paidUntil = Math.max(paidUntil, at) + (bytes / rate) * 1000;
      const owed = paidUntil - at;
      return owed < SLACK_MS ? 0 : owed;
    },
  };
}
