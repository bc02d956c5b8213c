import type { LoadSource } from '../../events/host-heartbeat/metrics.ts';
import { addInto, createSketch, record, type Sketch } from '../../lib/hostMetrics/index.ts';
import type { ModelName } from '../../lib/shared/ids.ts';
import type { DiskTier } from '../nvme/volumes.ts';

/** What was counted in some stretch of time; tallies of stretches add up. */
export interface Tally {
  readonly asks: { hits: number; misses: number; failures: number };
  readonly tiers: Readonly<Record<DiskTier, TierTally>>;
  readonly ensureMs: Sketch;
  readonly firstByteMs: Sketch;
  readonly fetchBytesPerSecond: Sketch;
  readonly loads: Readonly<Record<LoadSource, Sketch>>;
  readonly models: Map<ModelName, Partial<Record<LoadSource, Sketch>>>;
  readonly transfer: { fetches: number; fetchedBytes: number };
  /** By kind of what went wrong before another try. */
  readonly retries: Map<string, number>;
  /** By code of what ended a fetch. */
  readonly failures: Map<string, number>;
}

export interface TierTally {
  opens: number;
  servedBytes: number;
  writtenBytes: number;
  evictions: number;
  evictedBytes: number;
  movesIn: number;
  movedInBytes: number;
  scrubbedBytes: number;
}

export const TIERS: readonly DiskTier[] = ['nvme', 'ssd'];
export const SOURCES: readonly LoadSource[] = ['nvme', 'ssd', 'origin'];

/** Names beyond these count only in the sums: a host that is asked for ever new models keeps no list of them. */
const MOST_MODELS = 256;

export function createTally(): Tally {
  return {
    asks: { hits: 0, misses: 0, failures: 0 },
    tiers: { nvme: tierTally(), ssd: tierTally() },
    ensureMs: createSketch(),
    firstByteMs: createSketch(),
    fetchBytesPerSecond: createSketch(),
    loads: { nvme: createSketch(), ssd: createSketch(), origin: createSketch() },
    models: new Map(),
    transfer: { fetches: 0, fetchedBytes: 0 },
    retries: new Map(),
    failures: new Map(),
  };
}

function tierTally(): TierTally {
  return {
    opens: 0,
    servedBytes: 0,
    writtenBytes: 0,
    evictions: 0,
    evictedBytes: 0,
    movesIn: 0,
    movedInBytes: 0,
    scrubbedBytes: 0,
  };
}

export function recordLoad(tally: Tally, model: ModelName, source: LoadSource, ms: number): void {
  record(tally.loads[source], ms);
  const sketch = modelSketch(tally, model, source);
  if (sketch !== undefined) record(sketch, ms);
}

function modelSketch({ models }: Tally, model: ModelName, source: LoadSource): Sketch | undefined {
  const known = models.get(model);
  if (known === undefined && models.size >= MOST_MODELS) return undefined;
  const bySource = known ?? {};
  models.set(model, bySource);
  return (bySource[source] ??= createSketch());
}

export function addCount(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = createTally();
  for (const tally of tallies) {
    sum.asks.hits += tally.asks.hits;
    sum.asks.misses += tally.asks.misses;
    sum.asks.failures += tally.asks.failures;
    for (const tier of TIERS) addTier(sum.tiers[tier], tally.tiers[tier]);
    addInto(sum.ensureMs, tally.ensureMs);
    addInto(sum.firstByteMs, tally.firstByteMs);
    addInto(sum.fetchBytesPerSecond, tally.fetchBytesPerSecond);
    for (const source of SOURCES) addInto(sum.loads[source], tally.loads[source]);
    addModels(sum, tally);
    sum.transfer.fetches += tally.transfer.fetches;
    sum.transfer.fetchedBytes += tally.transfer.fetchedBytes;
    for (const [kind, count] of tally.retries) addCount(sum.retries, kind, count);
    for (const [code, count] of tally.failures) addCount(sum.failures, code, count);
  }
  return sum;
}

function addTier(sum: TierTally, added: TierTally): void {
  sum.opens += added.opens;
  sum.servedBytes += added.servedBytes;
  sum.writtenBytes += added.writtenBytes;
  sum.evictions += added.evictions;
  sum.evictedBytes += added.evictedBytes;
  sum.movesIn += added.movesIn;
  sum.movedInBytes += added.movedInBytes;
  sum.scrubbedBytes += added.scrubbedBytes;
}

function addModels(sum: Tally, { models }: Tally): void {
  for (const [model, bySource] of models) {
    for (const source of SOURCES) {
      const added = bySource[source];
      const into = added === undefined ? undefined : modelSketch(sum, model, source);
      if (added !== undefined && into !== undefined) addInto(into, added);
    }
  }
}
