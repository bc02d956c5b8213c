import { SeededRandom } from '../../lib/caching/structures/seededRandom.ts';
import { billUsd, POLICIES, replay, type ReplayObject, type ReplaySetup } from '../../lib/placement/index.ts';

/** Nine resamples of ten lie between them. */
export interface Interval {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/**
 * How far the ratio of strata-dollars to Intelligent-Tiering depends on which models there happened to be: the percentile bootstrap (Efron,
 * 1979). Each resample draws as many models as there are, with replacement, out of one of the `spreads` in turn (the same models, their reads
 * spread over days by different seeds), and replays them together, since they share an allowance.
 */
export function ratioInterval(
  spreads: readonly (readonly ReplayObject[])[],
  setup: ReplaySetup,
  resamples: number,
): Interval {
  const random = new SeededRandom(1);
  const alone = new Map<ReplayObject, number>();
  const tieredUsd = (one: ReplayObject): number => {
    const known = alone.get(one);
    if (known !== undefined) return known;
    const usd = billUsd(replay([one], POLICIES['intelligent-tiering'], setup).bill);
    alone.set(one, usd);
    return usd;
  };
  const ratios = Array.from({ length: resamples }, (_, index) => {
    const objects = spreads[index % spreads.length] ?? [];
    const drawn = objects.flatMap(() => objects[random.integer(objects.length)] ?? []);
    const usd = billUsd(replay(drawn, POLICIES['strata-dollars'], setup).bill);
    return usd / drawn.reduce((sum, one) => sum + tieredUsd(one), 0);
  }).sort((one, other) => one - other);
  const at = (part: number): number => ratios[Math.round(part * (ratios.length - 1))] ?? Number.NaN;
  return { low: at(0.05), median: at(0.5), high: at(0.95) };
}
