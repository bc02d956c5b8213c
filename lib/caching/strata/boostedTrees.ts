/** Feature values are bins below this. */
export const BINS = 32;

/** Rows of binned features with their targets, stored row after row. */
export interface TrainingSet {
  readonly rows: number;
  readonly features: number;
  readonly bins: Uint8Array;
  readonly target: Float64Array;
  /** What an earlier model predicts for each row (log odds); the trees then learn the rest. */
  readonly start?: Float64Array;
}

export interface FitOptions {
  readonly trees: number;
  readonly depth: number;
  readonly learningRate: number;
  readonly minRowsPerLeaf: number;
}

/** Added to the curvature of each leaf: shrinks those that few or certain rows support (λ of Chen & Guestrin, KDD 2016). */
const LEAF_PRIOR = 1;
const LEAF = -1;

/** Trees as JSON: node `2i+1` is below node `i` where the feature's bin is at most the threshold, `2i+2` where it is above. */
export interface TreesState {
  readonly base: number;
  readonly depth: number;
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly value: readonly number[];
}

/**
 * Gradient-boosted trees over binned features for targets between 0 and 1: the sum over the trees is the log of the odds, fitted
 * by Newton steps on the logistic loss, which keeps small odds as accurate as large ones. Fitted in milliseconds, evaluated in a
 * microsecond.
 */
export class BoostedTrees {
  readonly #base: number;
  readonly #depth: number;
  readonly #nodes: number;
  readonly #feature: Int8Array;
  readonly #threshold: Uint8Array;
  readonly #value: Float32Array;

  private constructor(state: {
    base: number;
    depth: number;
    feature: ArrayLike<number>;
    threshold: ArrayLike<number>;
    value: ArrayLike<number>;
  }) {
    this.#base = state.base;
    this.#depth = state.depth;
    this.#nodes = nodesOf(state.depth);
    this.#feature = Int8Array.from(state.feature);
    this.#threshold = Uint8Array.from(state.threshold);
    this.#value = Float32Array.from(state.value);
  }

  static fromState(state: TreesState): BoostedTrees {
    return new BoostedTrees(state);
  }

  static fit(set: TrainingSet, options: FitOptions): BoostedTrees {
    const base = set.start === undefined ? logOdds(average(set.target)) : 0;
    const predicted = set.start?.slice() ?? new Float64Array(set.rows).fill(base);
    const nodes = nodesOf(options.depth);
    const feature = new Int8Array(options.trees * nodes).fill(LEAF);
    const threshold = new Uint8Array(options.trees * nodes);
    const value = new Float32Array(options.trees * nodes);
    for (let tree = 0; tree < options.trees; tree += 1) {
      const range = [tree * nodes, (tree + 1) * nodes] as const;
      fitTree(set, predicted, options, {
        feature: feature.subarray(...range),
        threshold: threshold.subarray(...range),
        value: value.subarray(...range),
      });
    }
    return new BoostedTrees({ base, depth: options.depth, feature, threshold, value });
  }

  /** The log of the odds for the row of bins that starts at `offset`. */
  predict(bins: Uint8Array, offset = 0): number {
    let sum = this.#base;
    for (let root = 0; root < this.#feature.length; root += this.#nodes) {
      let node = 0;
      let feature = this.#feature[root] ?? LEAF;
      while (feature !== LEAF) {
        node = 2 * node + ((bins[offset + feature] ?? 0) > (this.#threshold[root + node] ?? 0) ? 2 : 1);
        feature = this.#feature[root + node] ?? LEAF;
      }
      sum += this.#value[root + node] ?? 0;
    }
    return sum;
  }

  toState(): TreesState {
    return {
      base: this.#base,
      depth: this.#depth,
      feature: [...this.#feature],
      threshold: [...this.#threshold],
      value: [...this.#value].map((value) => Number(value.toPrecision(4))),
    };
  }
}

interface Tree {
  readonly feature: Int8Array;
  readonly threshold: Uint8Array;
  readonly value: Float32Array;
}

/** The loss around what is predicted so far, row by row. */
interface Slope {
  readonly residual: Float64Array;
  readonly curvature: Float64Array;
}

/** Grows one tree level by level on the residuals and adds it to `predicted`. */
function fitTree(set: TrainingSet, predicted: Float64Array, options: FitOptions, tree: Tree): void {
  const likely = predicted.map(shareOf);
  const slope: Slope = {
    residual: set.target.map((target, row) => target - (likely[row] ?? 0)),
    curvature: likely.map((share) => share * (1 - share)),
  };
  const nodeOf = new Uint16Array(set.rows);
  for (let depth = 0; depth <= options.depth; depth += 1) {
    const level = { first: 2 ** depth - 1, count: 2 ** depth };
    const last = depth === options.depth;
    // The last level only needs the sums of its nodes, which one feature's histogram has.
    const histogram = levelHistogram(set, slope, nodeOf, { ...level, features: last ? 1 : set.features });
    let split = false;
    for (let index = 0; index < level.count; index += 1) {
      const node = level.first + index;
      if (depth > 0 && tree.feature[(node - 1) >> 1] === LEAF) continue;
      const isSplit = decideNode(histogram, index, node, { ...options, mayNotSplit: last }, tree);
      split ||= isSplit;
    }
    if (!split) break;
    for (let row = 0; row < set.rows; row += 1) {
      const node = nodeOf[row] ?? 0;
      const feature = tree.feature[node] ?? LEAF;
      if (node < level.first || feature === LEAF) continue;
      const above = (set.bins[row * set.features + feature] ?? 0) > (tree.threshold[node] ?? 0);
      nodeOf[row] = 2 * node + (above ? 2 : 1);
    }
  }
  for (let row = 0; row < set.rows; row += 1) {
    predicted[row] = (predicted[row] ?? 0) + (tree.value[nodeOf[row] ?? 0] ?? 0);
  }
}

/** Sums of residuals and curvatures and count of rows by node, feature and bin. */
interface Histogram {
  readonly features: number;
  readonly sum: Float64Array;
  readonly curvature: Float64Array;
  readonly rows: Float64Array;
}

function levelHistogram(
  set: TrainingSet,
  { residual, curvature: curvatures }: Slope,
  nodeOf: Uint16Array,
  level: { first: number; count: number; features: number },
): Histogram {
  const { bins } = set;
  const { features } = level;
  const sum = new Float64Array(level.count * features * BINS);
  const curvature = new Float64Array(level.count * features * BINS);
  const rows = new Float64Array(level.count * features * BINS);
  for (let row = 0; row < set.rows; row += 1) {
    const index = (nodeOf[row] ?? 0) - level.first;
    if (index < 0) continue;
    const gradient = residual[row] ?? 0;
    const bend = curvatures[row] ?? 0;
    let cell = index * features * BINS;
    for (let feature = 0; feature < features; feature += 1) {
      const at = cell + (bins[row * set.features + feature] ?? 0);
      sum[at] = (sum[at] ?? 0) + gradient;
      curvature[at] = (curvature[at] ?? 0) + bend;
      rows[at] = (rows[at] ?? 0) + 1;
      cell += BINS;
    }
  }
  return { features, sum, curvature, rows };
}

/** Sets the node's value and, where one reduces the loss, its best split. */
function decideNode(
  histogram: Histogram,
  index: number,
  node: number,
  options: FitOptions & { mayNotSplit: boolean },
  tree: Tree,
): boolean {
  const start = index * histogram.features * BINS;
  let sum = 0;
  let curvature = 0;
  let rows = 0;
  for (let cell = start; cell < start + BINS; cell += 1) {
    sum += histogram.sum[cell] ?? 0;
    curvature += histogram.curvature[cell] ?? 0;
    rows += histogram.rows[cell] ?? 0;
  }
  tree.value[node] = (options.learningRate * sum) / (curvature + LEAF_PRIOR);
  if (options.mayNotSplit || rows < 2 * options.minRowsPerLeaf) return false;
  const whole = gain(sum, curvature);
  let best = 1e-9;
  for (let feature = 0; feature < histogram.features; feature += 1) {
    let below = 0;
    let curvatureBelow = 0;
    let rowsBelow = 0;
    for (let bin = 0; bin < BINS - 1; bin += 1) {
      const cell = start + feature * BINS + bin;
      below += histogram.sum[cell] ?? 0;
      curvatureBelow += histogram.curvature[cell] ?? 0;
      rowsBelow += histogram.rows[cell] ?? 0;
      if (rowsBelow < options.minRowsPerLeaf) continue;
      if (rows - rowsBelow < options.minRowsPerLeaf) break;
      const improvement = gain(below, curvatureBelow) + gain(sum - below, curvature - curvatureBelow) - whole;
      if (improvement <= best) continue;
      best = improvement;
      tree.feature[node] = feature;
      tree.threshold[node] = bin;
    }
  }
  return tree.feature[node] !== LEAF;
}

function gain(sum: number, curvature: number): number {
  return (sum * sum) / (curvature + LEAF_PRIOR);
}

/** The share that has these log odds. */
export function shareOf(logOdds: number): number {
  return 1 / (1 + Math.exp(-logOdds));
}

function logOdds(share: number): number {
  const inside = Math.min(0.999, Math.max(0.001, share));
  return Math.log(inside / (1 - inside));
}

function average(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function nodesOf(depth: number): number {
  return 2 ** (depth + 1) - 1;
}
