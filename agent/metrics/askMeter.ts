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

/** Those who never come back are forgotten. */
const MOST_PUT_OFF = 1000;

export function createAskMeter(meters: Meters): AskMeter {
  const cameAt = new Map<string, number>();
  return {
    now: () => meters.time.elapsed(),
    answered(key, askedAt, how) {
      const first = cameAt.get(key);
      cameAt.delete(key);
      const outcome = how === 'at-once' && first === undefined ? 'hit' : 'miss';
      meters.asked(outcome, meters.time.elapsed() - (first ?? askedAt));
      return outcome;
    },
    putOff(key, askedAt, answer) {
      if (cameAt.has(key)) return answer;
      cameAt.set(key, askedAt);
      const oldest = cameAt.size > MOST_PUT_OFF ? cameAt.keys().next() : undefined;
      if (oldest?.done === false) cameAt.delete(oldest.value);
      return answer;
    },
    failing(key, answer) {
      if (answer.outcome !== 'failed' && answer.outcome !== 'unreachable') return answer;
      cameAt.delete(key);
      meters.asked('failure', 0);
      return answer;
    },
  };
}
