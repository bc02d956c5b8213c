import type { Clock } from '../../shared/ports/clock.ts';

/** Shares one rate among all who ask: each call books its bytes behind what was booked before and sleeps until they are due. */
export interface Bandwidth {
  take(bytes: number): Promise<void>;
}

export function createBandwidth(clock: Clock, bytesPerSecond: number): Bandwidth {
  if (bytesPerSecond === Number.POSITIVE_INFINITY) return { take: async () => undefined };
  let bookedUntil: number = clock.now();
  let booked = 0;
  return {
    async take(bytes) {
      const spanMs = (bytes / bytesPerSecond) * 1000;
      const now = clock.now();
      // After a jump of the clock no wait is longer than what is really booked.
      bookedUntil = Math.min(Math.max(bookedUntil, now), now + booked) + spanMs;
      booked += spanMs;
      await clock.sleep(bookedUntil - now);
      booked -= spanMs;
    },
  };
}
