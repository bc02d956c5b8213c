import type { Meters } from './meters.ts';

/**
 * Counts what processes ask for, each ask once: one that was told to come back is over when it has come back, and has waited since
 * it first came.
 */
export interface AskMeter {
  now(): number;
  /** With a lease. Answers as what it was counted. */
  answered(key: string, askedAt: number, how: 'at-once' | 'after-a-wait'): 'hit' | 'miss';
  /** With the advice to come back. */
  putOff<Answer>(key: string, askedAt: number, answer: Answer): Answer;
  /** Counts answers that end an ask without a lease, through no fault of whoever asked. */
  failing<Answer extends { readonly outcome: string }>(key: string, answer: Answer): Answer;
}

/** Who has not come back for so long never will: whoever asks then is another. */
const FORGOTTEN_MS = 300_000;
const MOST_PUT_OFF = 1000;

export function createAskMeter(meters: Meters): AskMeter {
  const waiting = new Map<string, { readonly cameAt: number; readonly putOffAt: number }>();

  function firstAsk(key: string, askedAt: number): number | undefined {
    const known = waiting.get(key);
    return known !== undefined && askedAt - known.putOffAt < FORGOTTEN_MS ? known.cameAt : undefined;
  }

  return {
    now: () => meters.time.elapsed(),
    answered(key, askedAt, how) {
      const first = firstAsk(key, askedAt);
      waiting.delete(key);
      const outcome = how === 'at-once' && first === undefined ? 'hit' : 'miss';
      meters.asked(outcome, meters.time.elapsed() - (first ?? askedAt));
      return outcome;
    },
    putOff(key, askedAt, answer) {
      const cameAt = firstAsk(key, askedAt) ?? askedAt;
      waiting.delete(key);
      waiting.set(key, { cameAt, putOffAt: meters.time.elapsed() });
      const oldest = waiting.size > MOST_PUT_OFF ? waiting.keys().next() : undefined;
      if (oldest?.done === false) waiting.delete(oldest.value);
      return answer;
    },
    failing(key, answer) {
      if (answer.outcome !== 'failed' && answer.outcome !== 'unreachable') return answer;
      waiting.delete(key);
      meters.asked('failure', 0);
      return answer;
    },
  };
}
