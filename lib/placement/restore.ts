import type { ClassRates, RestoreRates } from './rates.ts';

/** What a wait for archived bytes costs, and how long it may last. */
export interface Waiting {
  /** The promise: reads are answered within this time. 0 allows only classes that answer at once. */
  readonly toleranceMs: number;
  /** What idles while the bytes are awaited, in dollars per millisecond; 0 where nothing waits. */
  readonly usdPerMs: number;
}

export interface ChosenRestore {
  readonly tier: RestoreRates['tier'];
  readonly waitMs: number;
  readonly feeUsd: number;
  readonly waitingUsd: number;
}

/**
 * What it costs to override a restore under way by a faster tier, in dollars: the second request, and for the bytes what the faster tier
 * charges above the slower one. Both requests are charged, the bytes once, by the faster tier
 * (https://aws.amazon.com/s3/faqs/, "S3 Restore Speed Upgrade").
 */
export function fasterFeeUsd(bytes: number, underWay: RestoreRates, faster: RestoreRates): number {
  return faster.usdPerRequest + bytes * Math.max(0, faster.usdPerByte - underWay.usdPerByte);
}

/**
 * The restore with the least dollars, waiting included, among those that keep the promise for an object of this size; undefined where
 * none does, and then the class must not hold the object.
 */
export function chooseRestore(from: ClassRates, bytes: number, waiting: Waiting): ChosenRestore | undefined {
  let best: ChosenRestore | undefined;
  for (const restore of from.restores) {
    if (restore.waitMs > waiting.toleranceMs || bytes > restore.maximumBytes) continue;
    const feeUsd = restore.usdPerRequest + bytes * restore.usdPerByte;
    const waitingUsd = restore.waitMs * waiting.usdPerMs;
    if (best === undefined || feeUsd + waitingUsd < best.feeUsd + best.waitingUsd) {
      best = { tier: restore.tier, waitMs: restore.waitMs, feeUsd, waitingUsd };
    }
  }
  return best;
}
