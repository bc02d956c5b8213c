import {
  DEFAULT_MISS_WAIT,
  type Objective,
  type PolicyResult,
  type PolicySpec,
  parsePolicySpec,
  pfooLowerBound,
  Simulation,
} from '../../lib/caching/index.ts';
import { createStrata, type StrataVariant } from '../../lib/caching/createPolicy.ts';
import type { BenchTrace } from './traces.ts';

/** Online policies that need no knowledge of the trace, in the variants that people run. */
const BASELINES = [
  'lru',
  'lfu',
  'lfu-da',
  'fifo',
  'gdsf',
  'gdsf-cost',
  's3-fifo',
  's3-fifo:0.25',
  'sieve',
  'w-tinylfu',
  'w-tinylfu:0.3',
  'w-tinylfu-av',
  'lecar',
  'lhd',
  'lru-frequency-bias',
];

export const METRIC = { object: 'objectMissRatio', byte: 'byteMissRatio', wait: 'waitRatio' } as const;

export interface Comparison {
  readonly size: number;
  readonly strata: number;
  readonly best: number;
  readonly bestPolicy: string;
  readonly bound: number;
  /** Every policy with its miss ratio, `strata` first. */
  readonly policies: readonly (readonly [name: string, ratio: number])[];
}

/** `strata` beside the best baseline and the offline bound, for each size. */
export function compare(
  trace: BenchTrace,
  sizes: readonly number[],
  objective: Objective,
  variant: StrataVariant,
): readonly Comparison[] {
  const metric = METRIC[objective];
  const ours: PolicySpec = { name: 'strata', offline: false, create: (limits) => createStrata(limits, variant) };
  const results = simulate(trace, [ours, ...BASELINES.map(parsePolicySpec)], sizes, objective);
  const capacitiesBytes = sizes.map((size) => Math.floor(size * trace.footprintBytes));
  const bound = pfooLowerBound(trace.whole, { capacitiesBytes, wait: DEFAULT_MISS_WAIT });
  return sizes.map((size, index) => {
    const atSize = results.filter((_, position) => position % sizes.length === index);
    const [strata, ...others] = atSize;
    const best = others.reduce((least, result) => (result[metric] < least[metric] ? result : least));
    return {
      size,
      strata: strata?.[metric] ?? Number.NaN,
      best: best[metric],
      bestPolicy: best.policy,
      bound: bound[index]?.[metric] ?? Number.NaN,
      policies: atSize.map((result) => [result.policy, result[metric]] as const),
    };
  });
}

export function simulate(
  trace: BenchTrace,
  policies: readonly PolicySpec[],
  sizes: readonly number[],
  objective: Objective,
): readonly PolicyResult[] {
  const simulation = new Simulation({
    policies,
    capacitiesBytes: sizes.map((size) => Math.floor(size * trace.footprintBytes)),
    objective,
    wait: DEFAULT_MISS_WAIT,
    objects: trace.objects,
    seed: 1,
    nextUse: trace.whole.nextUse,
  });
  simulation.feed(trace.batch);
  return simulation.results();
}
