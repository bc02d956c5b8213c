import { counter, type Family, gauge, type Point } from '../../lib/shared/metricsText.ts';
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
  readonly points: Map<string, { readonly dimensions: Dimensions; value: number }>;
}

/** Dimensions are few by contract. Should one not be, memory stays bounded: further series are only counted. */
const MOST_SERIES = 2_000;

/** Keeps what functions measure for a scraper: sums of counts and bytes since the start, of times and shares the latest. */
export function createMetricTally(inner: Telemetry): MetricTally {
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
    if (point === undefined) {
      kept += 1;
      one.points.set(key, { dimensions, value });
    } else {
      point.value = isSum(unit) ? point.value + value : value;
    }
  }

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

function isSum(unit: MetricUnit): boolean {
  return unit === 'Count' || unit === 'Bytes';
}

function familyOf({ unit, name, points }: Series): Family {
  const help = `${name}, as the plane's functions count it on every runtime.`;
  const base = `strata_plane_${snakeCase(name)}`;
  const divided = (by: number): readonly Point[] =>
    [...points.values()].map(({ dimensions, value }) => ({ labels: labelsOf(dimensions), value: value / by }));
  if (unit === 'Milliseconds') return gauge(`${base}_seconds`, help, divided(SECOND_MS));
  if (unit === 'Percent') return gauge(`${base}_ratio`, help, divided(100));
  return counter(base, help, divided(1));
}

function labelsOf(dimensions: Dimensions): Dimensions {
  return Object.fromEntries(Object.entries(dimensions).map(([name, value]) => [snakeCase(name), value]));
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, '_$&').toLowerCase();
}
