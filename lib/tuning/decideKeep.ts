/** What one setting brought, by one probe, in bytes a second. Runs alternate: before, after, before, after … */
export interface ProbeRuns {
  readonly probe: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface ProbeEffect {
  readonly probe: string;
  /** Medians, bytes a second. */
  readonly before: number;
  readonly after: number;
  /** after ÷ before − 1. */
  readonly gain: number;
  /** The wider range of the two sides ÷ the median before. */
  readonly noise: number;
}

export interface Verdict {
  readonly decision: 'keep' | 'undo';
  readonly reason: 'gain' | 'within-noise' | 'loss';
  readonly effects: readonly ProbeEffect[];
}

/** Fewer runs say nothing of their own noise. */
export const FEWEST_ROUNDS = 3;

/**
 * Keeps what makes one probe faster by more than the noise and none slower by more than it. The noise is a whole range and
 * no deviation: what is kept stays for months, and one lucky run must not decide it.
 */
export function decideKeep(runs: readonly ProbeRuns[]): Verdict {
  const effects = runs.map(effectOf);
  if (effects.some(({ gain, noise }) => -gain > noise)) return { decision: 'undo', reason: 'loss', effects };
  if (effects.some(({ gain, noise }) => gain > noise)) return { decision: 'keep', reason: 'gain', effects };
  return { decision: 'undo', reason: 'within-noise', effects };
}

function effectOf({ probe, before, after }: ProbeRuns): ProbeEffect {
  const [was, is] = [median(before), median(after)];
  const noise = Math.max(rangeOf(before), rangeOf(after)) / was;
  return { probe, before: was, after: is, gain: is / was - 1, noise };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle - 1)] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

function rangeOf(values: readonly number[]): number {
  return values.length < FEWEST_ROUNDS ? Number.POSITIVE_INFINITY : Math.max(...values) - Math.min(...values);
}
