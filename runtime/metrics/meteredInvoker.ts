import type { FunctionName } from '../../functions/index.ts';
import { counter, type Family, gauge, type Point } from '../../lib/shared/metricsText.ts';
import { SECOND_MS } from '../../lib/shared/units.ts';
import type { InvocationOutcome, Invoker } from '../invoker.ts';

export interface MeteredInvoker extends Invoker {
  readonly families: () => readonly Family[];
}

/** From what a heartbeat takes to the longest time limit, in seconds. */
const BOUNDS = [0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300, 900] as const;

interface Meter {
  running: number;
  readonly outcomes: Record<InvocationOutcome['outcome'], number>;
  /** How many ended within each bound, and no earlier one. */
  readonly within: number[];
  count: number;
  seconds: number;
}

/**
 * The same invoker, which counts and times the calls of each function. A call past its time limit counts as long as that. What never
 * happened is told as zero: a scraper sees no rise from nothing to one.
 */
export function meteredInvoker(
  invoker: Invoker,
  functions: readonly FunctionName[],
  nowMs: () => number = () => performance.now(),
): MeteredInvoker {
  const meters = new Map(functions.map((name) => [name, newMeter()]));

  function meterOf(name: FunctionName): Meter {
    const meter = meters.get(name) ?? newMeter();
    meters.set(name, meter);
    return meter;
  }

  return {
    async invoke(name, event) {
      const meter = meterOf(name);
      const began = nowMs();
      meter.running += 1;
      try {
        const ended = await invoker.invoke(name, event);
        meter.outcomes[ended.outcome] += 1;
        return ended;
      } finally {
        const seconds = (nowMs() - began) / SECOND_MS;
        const bound = BOUNDS.findIndex((most) => seconds <= most);
        if (bound >= 0) meter.within[bound] = (meter.within[bound] ?? 0) + 1;
        meter.running -= 1;
        meter.count += 1;
        meter.seconds += seconds;
      }
    },
    families() {
      const all = [...meters];
      const points = (of: (meter: Meter, labels: { function: string }) => readonly Point[]) =>
        all.flatMap(([name, meter]) => of(meter, { function: name }));
      return [
        counter(
          'strata_plane_invocations',
          'Calls of functions, by how they ended.',
          points(({ outcomes }, labels) =>
            Object.entries(outcomes).map(([outcome, value]) => ({ labels: { ...labels, outcome }, value })),
          ),
        ),
        gauge(
          'strata_plane_invocations_running',
          'Calls that have neither ended nor passed their time limit.',
          points(({ running }, labels) => [{ labels, value: running }]),
        ),
        {
          name: 'strata_plane_invocation_seconds',
          type: 'histogram',
          help: 'How long they took.',
          points: points(histogram),
        },
      ];
    },
  };
}

function newMeter(): Meter {
  const outcomes = { answered: 0, failed: 0, 'timed-out': 0 };
  return { running: 0, outcomes, within: BOUNDS.map(() => 0), count: 0, seconds: 0 };
}

function histogram({ within, count, seconds }: Meter, labels: { function: string }): readonly Point[] {
  if (count === 0) return [];
  let below = 0;
  const buckets = BOUNDS.map((bound, index): Point => {
    below += within[index] ?? 0;
    // OpenMetrics asks for the text of a float.
    const le = Number.isInteger(bound) ? `${bound}.0` : String(bound);
    return { suffix: '_bucket', labels: { ...labels, le }, value: below };
  });
  return [
    ...buckets,
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: seconds },
    { suffix: '_count', labels, value: count },
  ];
}
