import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { Cache, type CachePolicy, DEFAULT_MISS_WAIT, NO_GROUP } from '../../lib/caching/index.ts';
import { BoostedTrees, type TrainingSet, type TreesState } from '../../lib/caching/strata/boostedTrees.ts';
import { FEATURES, ObjectHistory } from '../../lib/caching/strata/objectHistory.ts';
import { ReuseModel } from '../../lib/caching/strata/reuseModel.ts';
import { ValuePolicy } from '../../lib/caching/strata/valuePolicy.ts';
import { ObjectSet } from '../../lib/caching/structures/objectSet.ts';
import { SeededRandom } from '../../lib/caching/structures/seededRandom.ts';
import type { BenchTrace } from './traces.ts';

export const SHIPPED_PRIOR = fileURLToPath(new URL('../../lib/caching/strata/prior.json', import.meta.url));
/** More than the accesses of any run below, so that no sample is overwritten. */
const SAMPLES = 200_000;
const FIT = { trees: 100, depth: 5, learningRate: 0.12, minRowsPerLeaf: 100 };

export interface PriorSource {
  readonly trace: BenchTrace;
  /** The trace is cut into so many runs, each from a cold start. */
  readonly runs: number;
  readonly sizes: readonly number[];
  /** Share of the samples that is used. */
  readonly keep: number;
  /** Rows before this share of the trace. */
  readonly until: number;
}

/** Fits a prior to what a simple policy's caches see on the given parts of traces. */
export function fitPrior(sources: readonly PriorSource[], path: string): void {
  const sets = sources.flatMap((source) => setsOf(source));
  const rows = sets.reduce((sum, set) => sum + set.rows, 0);
  const bins = new Uint8Array(rows * FEATURES);
  const target = new Float64Array(rows);
  let at = 0;
  for (const set of sets) {
    bins.set(set.bins.subarray(0, set.rows * FEATURES), at * FEATURES);
    target.set(set.target, at);
    at += set.rows;
  }
  const trees = BoostedTrees.fit({ rows, features: FEATURES, bins, target }, FIT);
  writeFileSync(path, JSON.stringify(trees.toState()));
}

const numbers = z.array(z.number());
const State = z.object({ base: z.number(), depth: z.number(), feature: numbers, threshold: numbers, value: numbers });

export function readPrior(path: string): TreesState {
  return State.parse(JSON.parse(readFileSync(path, 'utf8')));
}

function setsOf(source: PriorSource): TrainingSet[] {
  const { trace, runs, sizes, until, keep } = source;
  const rows = Math.floor(until * trace.batch.length);
  return sizes.flatMap((size) =>
    Array.from({ length: runs }, (_, run) => {
      const range = [Math.floor((run * rows) / runs), Math.floor(((run + 1) * rows) / runs)] as const;
      return thinned(observe(trace, range, size), keep);
    }),
  );
}

/** What a cache under the habit policy sees between two rows of a trace. */
function observe(trace: BenchTrace, [from, to]: readonly [number, number], size: number): TrainingSet {
  const { batch, objects } = trace;
  const history = new ObjectHistory(objects);
  const model = new ReuseModel(history, { objects, samples: SAMPLES });
  const random = new SeededRandom(7);
  const resident = new ObjectSet(objects);
  const limits = { capacityBytes: size * footprintOf(trace, from, to), objects, seed: 1 };
  const habit = (object: number): number => Math.sqrt(history.usesOf(object)) / (history.ageOf(object) + 1) ** 0.75;
  const inner = new ValuePolicy(limits, { name: 'habit', expectedUse: habit });
  const policy: CachePolicy = {
    name: 'observed',
    access: (access) => {
      model.used(access.object);
      history.record(access);
      model.sample(access.object);
      if (resident.length > 0) model.sample(resident.at(random.integer(resident.length)));
      inner.access(access);
    },
    admit: (access, bytesToFree, evictable) => inner.admit(access, bytesToFree, evictable),
    victim: (evictable) => inner.victim(evictable),
    entered: (access) => {
      resident.add(access.object);
      inner.entered(access);
    },
    left: (object) => {
      resident.remove(object);
      inner.left(object);
    },
  };
  const cache = new Cache(policy, limits);
  const { latencySeconds, bytesPerSecond } = DEFAULT_MISS_WAIT;
  for (let row = from; row < to; row += 1) {
    const bytes = batch.bytes[row] ?? 1;
    const missCost = size < 0.04 ? 1 : latencySeconds + bytes / bytesPerSecond;
    cache.access({
      object: batch.object[row] ?? 0,
      bytes,
      missCost,
      group: NO_GROUP,
      nextUse: Number.POSITIVE_INFINITY,
    });
  }
  return model.trainingSet();
}

function footprintOf(trace: BenchTrace, from: number, to: number): number {
  const largest = new Float64Array(trace.objects);
  for (let row = from; row < to; row += 1) {
    const object = trace.batch.object[row] ?? 0;
    largest[object] = Math.max(largest[object] ?? 0, trace.batch.bytes[row] ?? 0);
  }
  return largest.reduce((sum, bytes) => sum + bytes, 0);
}

function thinned(set: TrainingSet, keep: number): TrainingSet {
  const every = Math.max(1, Math.round(1 / keep));
  const rows = Math.floor(set.rows / every);
  const bins = new Uint8Array(rows * FEATURES);
  const target = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) {
    bins.set(set.bins.subarray(row * every * FEATURES, (row * every + 1) * FEATURES), row * FEATURES);
    target[row] = set.target[row * every] ?? 0;
  }
  return { rows, features: FEATURES, bins, target };
}
