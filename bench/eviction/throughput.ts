import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type AccessBatch,
  DEFAULT_MISS_WAIT,
  POLICY_NAMES,
  parsePolicySpec,
  Simulation,
} from '../../lib/caching/index.ts';
import { SeededRandom } from '../../lib/caching/structures/seededRandom.ts';

const OBJECTS = 100_000;
const MIB = 1_048_576;
/** Few and many, to measure what an object takes. */
const KNOWN = { few: 1_000, many: 21_000 };

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

export interface Throughput {
  readonly accesses: number;
  readonly simulatedLruPerSecond: number;
  readonly plainLruPerSecond: number;
}

/** LRU in the simulator beside the same LRU as a plain loop over a Map, on a skewed synthetic trace. */
export function measureLru(accesses: number): Throughput {
  const object = skewed(accesses);
  const bytes = new Float64Array(accesses).fill(MIB);
  const batch = { length: accesses, object, bytes, group: new Int32Array(accesses) };
  const simulation = new Simulation({ ...plan(['lru']), capacitiesBytes: [0.1 * OBJECTS * MIB] });
  const simulated = secondsOf(() => simulation.feed(batch));
  const plain = secondsOf(() => plainLru(object, 0.1 * OBJECTS));
  return {
    accesses,
    simulatedLruPerSecond: Math.round(accesses / simulated),
    plainLruPerSecond: Math.round(accesses / plain),
  };
}

/**
 * Bytes of arrays that each policy keeps per object that it knows, the cache's own 8 included: what so many more objects take after
 * as many accesses, all of them resident.
 */
export function measureMemory(): readonly { policy: string; bytesPerObject: number }[] {
  return POLICY_NAMES.map((policy) => {
    const grown = footprintOf(policy, KNOWN.many) - footprintOf(policy, KNOWN.few);
    return { policy, bytesPerObject: Math.round(grown / (KNOWN.many - KNOWN.few)) };
  });
}

function footprintOf(policy: string, objects: number): number {
  const accesses = everyObject(objects, KNOWN.many);
  const nextUse = Float64Array.from({ length: KNOWN.many }, (_, at) => at + objects);
  const before = bytesOfArrays();
  const simulation = new Simulation({ ...plan([policy]), objects, capacitiesBytes: [objects * MIB], nextUse });
  simulation.feed(accesses);
  const after = bytesOfArrays();
  // Keeps everything reachable until it has been measured.
  return simulation.results().length + accesses.length + nextUse.length > 0 ? after - before : 0;
}

/** Arrays that one collection finds dead may be freed by the next. */
function bytesOfArrays(): number {
  for (let round = 0; round < 3; round += 1) collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** The highest number first, so that no array is longer than there are objects. */
function everyObject(objects: number, accesses: number): AccessBatch {
  const object = Int32Array.from({ length: accesses }, (_, at) => objects - 1 - (at % objects));
  return { length: accesses, object, bytes: new Float64Array(accesses).fill(MIB), group: new Int32Array(accesses) };
}

function plan(policies: readonly string[]): ConstructorParameters<typeof Simulation>[0] {
  return {
    policies: policies.map(parsePolicySpec),
    capacitiesBytes: [],
    objective: 'object',
    wait: DEFAULT_MISS_WAIT,
    objects: OBJECTS,
    seed: 1,
  };
}

/** Popularity falls with the square: a tenth of the objects gets about a third of the accesses. */
function skewed(accesses: number): Int32Array {
  const random = new SeededRandom(1);
  return Int32Array.from({ length: accesses }, () => Math.floor(OBJECTS * random.fraction() ** 2));
}

/** The tightest way to write it: one function over two arrays of links, objects of one size. */
function plainLru(object: Int32Array, capacity: number): number {
  const newer = new Int32Array(OBJECTS + 1).fill(-1);
  const older = new Int32Array(OBJECTS + 1).fill(-1);
  // The extra node closes the ring: its older neighbour is the newest object, its newer one the oldest.
  newer[OBJECTS] = OBJECTS;
  older[OBJECTS] = OBJECTS;
  const link = (low: number, high: number): void => {
    newer[low] = high;
    older[high] = low;
  };
  let held = 0;
  let misses = 0;
  for (const key of object) {
    if (newer[key] === -1) {
      misses += 1;
      held += 1;
    } else {
      link(older[key] ?? 0, newer[key] ?? 0);
    }
    if (held > capacity) {
      const victim = newer[OBJECTS] ?? 0;
      link(OBJECTS, newer[victim] ?? 0);
      newer[victim] = -1;
      held -= 1;
    }
    link(older[OBJECTS] ?? 0, key);
    link(key, OBJECTS);
  }
  return misses;
}

function secondsOf(work: () => unknown): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1_000;
}
