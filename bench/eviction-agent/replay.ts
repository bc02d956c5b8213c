import type { EvictionChoice } from '../../events/command-receipt/v1.ts';
import { createMeters } from '../../agent/metrics/meters.ts';
import { createModels } from '../../agent/models/ensure.ts';
import type { EvictionConfig } from '../../agent/nvme/evictionPolicy.ts';
import { openStore } from '../../agent/nvme/store.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import { createPortTransfer } from '../../lib/adapters/transfer/portTransfer.ts';
import { type AccessBatch, createStrata, DEFAULT_MISS_WAIT, Simulation } from '../../lib/caching/index.ts';
import type { Disk } from '../../lib/shared/ports/disk.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import { Bytes, DurationMs, HOUR_MS, KIB, Usd } from '../../lib/shared/units.ts';
import { createOrigin } from './origin.ts';

/** Nothing here waits for a time to pass, and no timer keeps the process alive. */
const clock: Clock = { ...systemClock, sleep: () => Promise.withResolvers<void>().promise };
const PART_SIZE = 256 * KIB;
/** Enough for each object to have bytes of its own. */
const LEAST_BYTES = 16;
/** As many objects as the agent's policy remembers: the sizes of sketches follow it. */
const MOST_REMEMBERED = 16_384;

/** A trace whose sizes were divided by `scale`. A miss waits as long as it does at full size. */
export interface ScaledTrace {
  readonly batch: AccessBatch;
  readonly capacityBytes: number;
  readonly bytesPerSecond: number;
}

export function scaled(batch: AccessBatch, footprintBytes: number, share: number, scale: number): ScaledTrace {
  return {
    batch: { ...batch, bytes: batch.bytes.map((bytes) => Math.max(LEAST_BYTES, Math.round(bytes / scale))) },
    capacityBytes: Math.floor((share * footprintBytes) / scale),
    bytesPerSecond: DEFAULT_MISS_WAIT.bytesPerSecond / scale,
  };
}

/** The agent's own price of a miss, a dollar a second, so that it is to the last bit what the simulator counts. */
export function waitAsDollars({ bytesPerSecond }: ScaledTrace): EvictionConfig {
  return {
    missCost(bytes) {
      const seconds = DEFAULT_MISS_WAIT.latencySeconds + bytes / bytesPerSecond;
      return { ms: 1000 * seconds, usd: Usd.parse(seconds) };
    },
    weighs: 'dollars',
    waitUsd: (ms) => ms / 1000,
    wearUsdPerByte: 0,
  };
}

export interface AgentReplay {
  readonly misses: number;
  readonly evictions: readonly EvictionChoice[];
  /** The most that blobs and staging files took at the end of an access. */
  readonly mostUsedBytes: number;
}

/**
 * Asks the agent's store on `disk` for each access of the trace, one after the other: resolve, fetch, verify, publish by rename,
 * lease, release. Only the network is missing: the origin is in memory.
 */
export async function replayThroughAgent(disk: Disk, trace: ScaledTrace): Promise<AgentReplay> {
  const origin = createOrigin(PART_SIZE);
  const evictions: EvictionChoice[] = [];
  const meters = createMeters(clock);
  const deps = { disk, clock, random: nodeRandom, telemetry: silent, objects: origin.reader, meters };
  const store = await openStore(
    {
      ...deps,
      transfer: createPortTransfer(deps),
      onLedger: () => undefined,
      receiptOf(event) {
        if (event.choice !== undefined) evictions.push(event.choice);
        return [];
      },
    },
    {
      capacityBytes: Bytes.parse(trace.capacityBytes),
      headroomBytes: Bytes.parse(0),
      partSize: PART_SIZE,
      leaseTtlMs: DurationMs.parse(HOUR_MS),
      fillAttempts: 1,
      abandonedAfterMs: DurationMs.parse(HOUR_MS),
      scrubEveryMs: DurationMs.parse(HOUR_MS),
      scrubBytesPerSecond: Number.POSITIVE_INFINITY,
      eviction: waitAsDollars(trace),
    },
  );
  let misses = 0;
  let mostUsedBytes = 0;
  const models = createModels({
    store,
    resolver: origin.resolver,
    accesses: { record: (_digest, hit) => (misses += hit ? 0 : 1), flushOnce: async () => true },
    meters,
    clock,
    onFetched: async () => undefined,
  });
  const { object, bytes, length } = trace.batch;
  for (let row = 0; row < length; row += 1) {
    const reference = origin.referenceOf(object[row] ?? 0, bytes[row] ?? 0);
    const ensured = await models.ensure(origin.model, reference, HOUR_MS);
    if (ensured.outcome === 'ready') await store.leases.release(ensured.lease);
    // What is larger than the whole cache is refused, and counts as a miss here as in the simulator.
    else if (ensured.outcome === 'failed' && (bytes[row] ?? 0) > trace.capacityBytes) misses += 1;
    else throw new Error(`access ${row}: ${JSON.stringify(ensured)}`);
    mostUsedBytes = Math.max(mostUsedBytes, (await store.measures()).usedBytes);
  }
  return { misses, evictions, mostUsedBytes };
}

/** How many accesses of the trace miss in the simulator, where every miss is stored as the agent has to. */
export function simulatedMisses({ batch, capacityBytes, bytesPerSecond }: ScaledTrace): number {
  const simulation = new Simulation({
    policies: [{ name: 'strata', offline: false, create: (limits) => createStrata(limits) }],
    capacitiesBytes: [capacityBytes],
    objective: 'wait',
    wait: { ...DEFAULT_MISS_WAIT, bytesPerSecond },
    objects: MOST_REMEMBERED,
    seed: 1,
    storesEveryMiss: true,
  });
  simulation.feed(batch);
  return Math.round((simulation.results()[0]?.objectMissRatio ?? Number.NaN) * batch.length);
}

const silent: Telemetry = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  metric: () => undefined,
  with: () => silent,
};
