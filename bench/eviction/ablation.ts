import type { Access, CachePolicy, Objective, PolicyLimits, PolicySpec } from '../../lib/caching/index.ts';
import { createStrata, type StrataVariant } from '../../lib/caching/createPolicy.ts';
import { CONTEXT_FEATURES, ObjectHistory } from '../../lib/caching/strata/objectHistory.ts';
import { ValuePolicy } from '../../lib/caching/strata/valuePolicy.ts';
import { METRIC, simulate } from './comparison.ts';
import type { BenchTrace } from './traces.ts';

type Rewrite = (access: Access) => Access;

/**
 * Each row takes one ingredient away from the shipped policy; `with foresight` knows the true time to the next use instead of
 * estimating it, so what it misses is lost by the way of choosing and not by the estimate.
 */
function rowsOf(variant: StrataVariant): readonly PolicySpec[] {
  return [
    { name: 'strata', offline: false, create: (limits) => createStrata(limits, variant) },
    // A miss that costs in proportion to the bytes makes value per byte blind to size.
    rewritten('without size', variant, (access) => ({ ...access, missCost: access.missCost * access.bytes })),
    rewritten('without cost', variant, (access) => ({ ...access, missCost: 1 })),
    weighed('without hazard (recency only)', (limits) => {
      const history = new ObjectHistory(limits.objects);
      return { record: (access) => history.record(access), use: (object) => 1 / (history.ageOf(object) + 1) };
    }),
    weighed('with foresight', (limits) => {
      const nextUse = new Float64Array(limits.objects);
      let now = -1;
      const record = (access: Access): void => {
        now += 1;
        nextUse[access.object] = access.nextUse;
      };
      return { record, use: (object) => 1 / ((nextUse[object] ?? Number.POSITIVE_INFINITY) - now) };
    }),
    // The prior was fitted with its context features in place: hiding one from it would measure the gap, not the context. So
    // the three rows below have no prior and are to be compared with one another.
    bare('without prior', []),
    bare('without prior, co-use context', CONTEXT_FEATURES.coUse),
    bare('without prior, group context', CONTEXT_FEATURES.group),
  ];
}

/** Miss ratio in the objective's metric by variant and size. */
export function ablate(
  trace: BenchTrace,
  sizes: readonly number[],
  objective: Objective,
  variant: StrataVariant,
): readonly { variant: string; ratios: readonly number[] }[] {
  const specs = rowsOf(variant);
  const results = simulate(trace, specs, sizes, objective);
  return specs.map((spec, index) => ({
    variant: spec.name,
    ratios: results.slice(index * sizes.length, (index + 1) * sizes.length).map((result) => result[METRIC[objective]]),
  }));
}

function bare(name: string, blank: readonly number[]): PolicySpec {
  return { name, offline: false, create: (limits) => spied(name, createStrata(limits, { prior: 'none', blank })) };
}

function rewritten(name: string, variant: StrataVariant, rewrite: Rewrite): PolicySpec {
  return { name, offline: false, create: (limits) => spied(name, createStrata(limits, variant), rewrite) };
}

/** Values by another estimate of use than the model's, without ghosts. */
function weighed(
  name: string,
  estimate: (limits: PolicyLimits) => { record: (access: Access) => void; use: (object: number) => number },
): PolicySpec {
  const create = (limits: PolicyLimits): CachePolicy => {
    const { record, use } = estimate(limits);
    return spied(name, new ValuePolicy(limits, { name, expectedUse: use }), (access) => {
      record(access);
      return access;
    });
  };
  return { name, offline: false, create };
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
