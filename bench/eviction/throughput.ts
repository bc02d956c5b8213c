import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DEFAULT_MISS_WAIT, POLICY_NAMES, parsePolicySpec, Simulation } from '../../lib/caching/index.ts';
import { SeededRandom } from '../../lib/caching/structures/seededRandom.ts';

const OBJECTS = 100_000;
const MIB = 1_048_576;

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

/** Bytes that each policy keeps per object it may know, the cache's own 8 included. */
export function measureMemory(): readonly { policy: string; bytesPerObject: number }[] {
  return POLICY_NAMES.map((policy) => {
    const small = footprintOf(policy, 1_000);
    const large = footprintOf(policy, 1_000 + OBJECTS);
    return { policy, bytesPerObject: Math.round((large - small) / OBJECTS) };
  });
}

function footprintOf(policy: string, objects: number): number {
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const simulation = new Simulation({ ...plan([policy]), objects, capacitiesBytes: [MIB] });
  const after = process.memoryUsage().arrayBuffers;
  // Keeps the simulation reachable until it has been measured.
  return simulation.results().length > 0 ? after - before : 0;
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
