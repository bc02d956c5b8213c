import type { Failure } from './failures.ts';

export interface RetryLimits {
  /** Failures in a row without `progressBytes` in between. */
  readonly attempts: number;
  readonly progressBytes: number;
  /** How often new rights are asked for in a row. */
  readonly renewals: number;
  /** How often a range may be moved to another connection because this one is slow. */
  readonly slowMoves: number;
  readonly basePauseMs: number;
  readonly mostPauseMs: number;
}

export const RETRY_LIMITS: RetryLimits = {
  attempts: 6,
  progressBytes: 64 * 1024,
  renewals: 2,
  slowMoves: 3,
  basePauseMs: 200,
  mostPauseMs: 20_000,
};

/** A server that answers nonsense twice will go on doing so. */
const NONSENSE_ATTEMPTS = 2;

/** Of one range so far. */
export interface RetryCounts {
  readonly attempts: number;
  readonly renewals: number;
  readonly slowMoves: number;
}

export const NO_RETRIES: RetryCounts = { attempts: 0, renewals: 0, slowMoves: 0 };

export type RetryDecision =
  | { readonly is: 'again'; readonly afterMs: number; readonly counts: RetryCounts }
  /** After new rights have come. */
  | { readonly is: 'renew'; readonly counts: RetryCounts }
  | { readonly is: 'give-up'; readonly retryable: boolean };

/**
 * What to do after a failed try. `progress` is the number of bytes that the try brought, `random` lies in [0, 1): pauses
 * double and half of each is random, so that the sockets of a fleet do not come back in step.
 */
export function decideRetry(
  failure: Failure,
  before: RetryCounts,
  progress: number,
  random: number,
  limits: RetryLimits = RETRY_LIMITS,
): RetryDecision {
  const counts = progress >= limits.progressBytes ? { ...NO_RETRIES, slowMoves: before.slowMoves } : before;
  switch (failure.kind) {
    case 'unauthorized': {
      if (counts.renewals >= limits.renewals) return { is: 'give-up', retryable: false };
      return { is: 'renew', counts: { ...counts, renewals: counts.renewals + 1 } };
    }
    case 'slow': {
      if (counts.slowMoves >= limits.slowMoves) return { is: 'give-up', retryable: true };
      return { is: 'again', afterMs: 0, counts: { ...counts, slowMoves: counts.slowMoves + 1 } };
    }
    case 'connect':
    case 'broken-off':
    case 'stalled':
    case 'server-error':
    case 'slow-down': {
      if (counts.attempts + 1 >= limits.attempts) return { is: 'give-up', retryable: true };
      return again(failure, counts, random, limits);
    }
    case 'wrong-range':
    case 'malformed': {
      if (counts.attempts + 1 >= NONSENSE_ATTEMPTS) return { is: 'give-up', retryable: false };
      return again(failure, counts, random, limits);
    }
    case 'absent':
    case 'archived':
    case 'changed':
    case 'beyond-end':
    case 'no-ranges':
    case 'no-length':
    case 'too-long':
    case 'too-large':
    case 'encoded':
    case 'redirects':
    case 'tls':
    case 'refused':
    case 'no-space':
    case 'disk-error':
    case 'cancelled':
      return { is: 'give-up', retryable: false };
  }
}

function again(failure: Failure, counts: RetryCounts, random: number, limits: RetryLimits): RetryDecision {
  const full = Math.min(limits.basePauseMs * 2 ** counts.attempts, limits.mostPauseMs);
  const asked = Math.min(failure.retryAfterMs ?? 0, limits.mostPauseMs);
  const afterMs = Math.max(full / 2 + (full / 2) * random, asked);
  return { is: 'again', afterMs, counts: { ...counts, attempts: counts.attempts + 1 } };
}
