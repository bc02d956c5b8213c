import { counter, type Family, type Point, summary } from '../../lib/shared/metricsText.ts';
import type { MetricUnit, Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';

export interface MetricTally {
  /** The same telemetry, whose metrics are also kept. */
  readonly telemetry: Telemetry;
  readonly families: () => readonly Family[];
}

type Dimensions = Readonly<Record<string, string>>;

interface Series {
  readonly unit: MetricUnit;
  readonly name: string;
  readonly points: Map<string, Sum>;
}

interface Sum {
  readonly dimensions: Dimensions;
  total: number;
  count: number;
}

/** Dimensions are few by contract. Should one not be, memory stays bounded: further series are only counted. */
const MOST_SERIES = 2_000;

/**
 * Keeps what functions measure for a scraper, since the start: counts and bytes as their sums, times and shares as sum and number, since
 * several hosts may tell of theirs by one name. Of the counts named in `zeros` it tells before there are any: a scraper sees no
 * rise from nothing.
 */
export function createMetricTally(
  inner: Telemetry,
  zeros: readonly { readonly name: string; readonly dimensions: Dimensions }[] = [],
): MetricTally {
  const series = new Map<string, Series>();
  let kept = 0;
  let dropped = 0;

  function keep(name: string, unit: MetricUnit, value: number, dimensions: Dimensions): void {
    const one = series.get(name) ?? { unit, name, points: new Map() };
    series.set(name, one);
    const key = JSON.stringify(dimensions);
    const point = one.points.get(key);
    if (point === undefined && kept >= MOST_SERIES) {
      dropped += 1;
      return;
    }
    const sum = point ?? { dimensions, total: 0, count: 0 };
    if (point === undefined) kept += 1;
    one.points.set(key, sum);
    sum.total += value;
    sum.count += 1;
  }
  for (const { name, dimensions } of zeros) keep(name, 'Count', 0, dimensions);

  const counting = (telemetry: Telemetry): Telemetry => ({
    ...telemetry,
    metric(name, unit, value, dimensions = {}) {
      telemetry.metric(name, unit, value, dimensions);
      keep(name, unit, value, dimensions);
    },
    with: (fields) => counting(telemetry.with(fields)),
  });

  return {
    telemetry: counting(inner),
    families: () => [
      ...[...series.values()].map(familyOf),
      counter('strata_plane_points_dropped', `Measurements beyond ${MOST_SERIES} series.`, [{ value: dropped }]),
    ],
  };
}

function familyOf({ unit, name, points }: Series): Family {
  const help = `${name}, as the plane's functions count it on every runtime.`;
  const base = `strata_plane_${snakeCase(name)}`;
  const sums = (divisor: number): readonly Point[] =>
    [...points.values()].flatMap(({ dimensions, total, count }): readonly Point[] => [
      { suffix: '_sum', labels: labelsOf(dimensions), value: total / divisor },
      { suffix: '_count', labels: labelsOf(dimensions), value: count },
    ]);
  if (unit === 'Milliseconds') return summary(`${base}_seconds`, help, sums(SECOND_MS));
  if (unit === 'Percent') return summary(`${base}_ratio`, help, sums(100));
  const totals = [...points.values()].map(({ dimensions, total }) => ({ labels: labelsOf(dimensions), value: total }));
  return counter(base, help, totals);
}

function labelsOf(dimensions: Dimensions): Dimensions {
  return Object.fromEntries(Object.entries(dimensions).map(([name, value]) => [snakeCase(name), value]));
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, '_$&').toLowerCase();
}
