/** What was measured of one thing, as points from 0 to 100, and what raises them. */
export interface ScorePart {
  readonly name: string;
  readonly weight: number;
  readonly points: number;
  readonly measured: string;
  readonly recommendation: string;
}

export interface Score {
  /** From 0 to 100, whole; undefined where nothing was measured. */
  readonly points: number | undefined;
  readonly parts: readonly ScorePart[];
  /** Parts without a reading: they are in no mean. */
  readonly missing: readonly string[];
  /** The part with the fewest points, where it has less than 100. */
  readonly lowest?: ScorePart;
}

/** Points of a figure: 100 at `best` and beyond, 0 at `worst` and beyond, in proportion between them. */
export function between(figure: number, best: number, worst: number): number {
  return 100 * Math.min(1, Math.max(0, (worst - figure) / (worst - best)));
}

/**
 * The weighted geometric mean of the parts: `exp(Σ weight · ln(max(1, points)) / Σ weight)`, rounded. Not the arithmetic one, in which
 * processors at rest would make up for asks that fail; 1 at least, so that one part at 0 does not make all others alike. A part that is
 * undefined was not measured.
 */
export function weigh(found: Readonly<Record<string, Omit<ScorePart, 'name'> | undefined>>): Score {
  const parts = Object.entries(found).flatMap(([name, part]) => (part === undefined ? [] : [{ name, ...part }]));
  const missing = Object.keys(found).filter((name) => found[name] === undefined);
  const weights = parts.reduce((sum, { weight }) => sum + weight, 0);
  const logs = parts.reduce((sum, { weight, points }) => sum + weight * Math.log(Math.max(1, points)), 0);
  const [lowest] = parts
    .filter(({ points }) => Math.round(points) < 100)
    .toSorted((one, other) => one.points - other.points);
  return {
    points: weights === 0 ? undefined : Math.round(Math.exp(logs / weights)),
    parts: parts.map((part) => ({ ...part, points: Math.round(part.points) })),
    missing,
    ...(lowest === undefined ? {} : { lowest: { ...lowest, points: Math.round(lowest.points) } }),
  };
}
