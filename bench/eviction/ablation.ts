import type { Access, CachePolicy, Objective, PolicySpec } from '../../lib/caching/index.ts';
import { createStrata } from '../../lib/caching/createPolicy.ts';
import { CONTEXT_FEATURES, ObjectHistory } from '../../lib/caching/strata/objectHistory.ts';
import { ValuePolicy } from '../../lib/caching/strata/valuePolicy.ts';
import { METRIC, simulate } from './comparison.ts';
import type { BenchTrace } from './traces.ts';

type Rewrite = (access: Access) => Access;

/** Each row takes one ingredient away from the shipped policy. */
const VARIANTS: readonly PolicySpec[] = [
  { name: 'strata', offline: false, create: (limits) => createStrata(limits) },
  // A miss that costs in proportion to the bytes makes value per byte blind to size.
  rewritten('without size', (access) => ({ ...access, missCost: access.missCost * access.bytes })),
  rewritten('without cost', (access) => ({ ...access, missCost: 1 })),
  {
    name: 'without hazard (recency only)',
    offline: false,
    create: (limits) => {
      const history = new ObjectHistory(limits.objects);
      const expectedUse = (object: number): number => 1 / (history.ageOf(object) + 1);
      const policy = new ValuePolicy(limits, { name: 'recency', expectedUse });
      return spied('without hazard (recency only)', policy, (access) => {
        history.record(access);
        return access;
      });
    },
  },
  // The prior was fitted with its context features in place: hiding one from it would measure the gap, not the context. So
  // the three rows below have no prior and are to be compared with one another.
  bare('without prior', []),
  bare('without prior, co-use context', CONTEXT_FEATURES.coUse),
  bare('without prior, group context', CONTEXT_FEATURES.group),
];

/** Miss ratio in the objective's metric by variant and size. */
export function ablate(
  trace: BenchTrace,
  sizes: readonly number[],
  objective: Objective,
): readonly { variant: string; ratios: readonly number[] }[] {
  const results = simulate(trace, VARIANTS, sizes, objective);
  return VARIANTS.map((variant, index) => ({
    variant: variant.name,
    ratios: results.slice(index * sizes.length, (index + 1) * sizes.length).map((result) => result[METRIC[objective]]),
  }));
}

function bare(name: string, blank: readonly number[]): PolicySpec {
  return { name, offline: false, create: (limits) => spied(name, createStrata(limits, { withoutPrior: true, blank })) };
}

function rewritten(name: string, rewrite: Rewrite): PolicySpec {
  return { name, offline: false, create: (limits) => spied(name, createStrata(limits), rewrite) };
}

function spied(name: string, policy: CachePolicy, rewrite: Rewrite = (access) => access): CachePolicy {
  let seen: Access | undefined;
  return {
    name,
    access: (access, hit) => {
      seen = rewrite(access);
      policy.access(seen, hit);
    },
    admit: (access, bytesToFree, evictable) => policy.admit(seen ?? access, bytesToFree, evictable),
    victim: (evictable) => policy.victim(evictable),
    entered: (access) => policy.entered(seen ?? access),
    left: (object, evicted) => policy.left(object, evicted),
  };
}
