import {
  billUsd,
  DOLLARS,
  type DollarPolicy,
  POLICIES,
  replay,
  type ReplayObject,
  type ReplaySetup,
} from '../../lib/placement/index.ts';
import { dollarPolicy } from '../../lib/placement/policies/dollars.ts';
import { DAY_MS } from '../../lib/shared/units.ts';

/** Ratios to Intelligent-Tiering on models that the prior was not chosen on. */
export interface OtherHalf {
  readonly chosenOn: 'even' | 'odd';
  readonly prior: DollarPolicy['prior'];
  /** On the other half, a scale each: with that prior, and with the one that ships. */
  readonly ratios: readonly number[];
  readonly shipped: readonly number[];
}

/** The prior that ships and its neighbours. */
const CANDIDATES: readonly DollarPolicy[] = [0.25, 0.5, 1].flatMap((shape) =>
  [5, 10, 20, 40].flatMap((exposureDays) =>
    [200, 400, 800].map((halfLifeDays) => ({
      ...DOLLARS,
      prior: { shape, exposureMs: exposureDays * DAY_MS, halfLifeMs: halfLifeDays * DAY_MS },
    })),
  ),
);

/** Chooses the prior on every second model, by the mean ratio over all scales, and measures it on the others; then the other way round. */
export function onOtherHalf(byScale: readonly (readonly ReplayObject[])[], setup: ReplaySetup): readonly OtherHalf[] {
  const halves = [0, 1].map((parity) => byScale.map((objects) => objects.filter((_, index) => index % 2 === parity)));
  const ratiosOf = halves.map((scales) => {
    const tiered = scales.map((objects) => billUsd(replay(objects, POLICIES['intelligent-tiering'], setup).bill));
    return (policy: DollarPolicy): readonly number[] =>
      scales.map(
        (objects, index) => billUsd(replay(objects, dollarPolicy(policy), setup).bill) / (tiered[index] ?? Number.NaN),
      );
  });
  const [even, odd] = ratiosOf;
  if (even === undefined || odd === undefined) return [];
  return [
    { chosenOn: 'even' as const, here: even, there: odd },
    { chosenOn: 'odd' as const, here: odd, there: even },
  ].map(({ chosenOn, here, there }) => {
    const best = CANDIDATES.map((policy) => ({ policy, mean: mean(here(policy)) })).reduce((one, other) =>
      other.mean < one.mean ? other : one,
    ).policy;
    return { chosenOn, prior: best.prior, ratios: there(best), shipped: there(DOLLARS) };
  });
}

const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / values.length;
