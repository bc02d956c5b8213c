/*
 * Quantiles of positive numbers within a fixed relative error, in logarithmic buckets: "DDSketch", Masson, Rim and Lee, VLDB 2019.
 * Sketches of parts add up to the sketch of the whole, bucket by bucket.
 */

/** A quantile that is answered is within this share of the true one. */
export const SKETCH_ERROR = 0.02;
const GAMMA = (1 + SKETCH_ERROR) / (1 - SKETCH_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
/** Below it numbers count as zero, above the other as that one: that bounds the buckets to about 930. */
const LEAST = 1e-3;
const MOST = 1e13;

export interface Sketch {
  count: number;
  sum: number;
  zeros: number;
  readonly buckets: Map<number, number>;
}

export function createSketch(): Sketch {
  return { count: 0, sum: 0, zeros: 0, buckets: new Map() };
}

/** Counts a number. What is none, or negative, as of a clock that jumped, is left out. */
export function record(sketch: Sketch, value: number): void {
  if (!Number.isFinite(value) || value < 0) return;
  sketch.count += 1;
  sketch.sum += value;
  if (value < LEAST) {
    sketch.zeros += 1;
    return;
  }
  const bucket = Math.ceil(Math.log(Math.min(value, MOST)) / LOG_GAMMA);
  sketch.buckets.set(bucket, (sketch.buckets.get(bucket) ?? 0) + 1);
}

export function addInto(sum: Sketch, added: Sketch): void {
  sum.count += added.count;
  sum.sum += added.sum;
  sum.zeros += added.zeros;
  for (const [bucket, count] of added.buckets) sum.buckets.set(bucket, (sum.buckets.get(bucket) ?? 0) + count);
}

/** The value of rank ⌈q·n⌉, counted from the smallest: of few values the larger one. Of nothing, 0. */
export function quantile(sketch: Sketch, q: number): number {
  let left = Math.max(0, Math.ceil(q * sketch.count) - 1) - sketch.zeros;
  if (left < 0) return 0;
  for (const bucket of [...sketch.buckets.keys()].toSorted((one, other) => one - other)) {
    left -= sketch.buckets.get(bucket) ?? 0;
    if (left < 0) return (2 * GAMMA ** bucket) / (GAMMA + 1);
  }
  return 0;
}
