import * as z from 'zod/mini';
import { ModelName, VolumeName } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';

const Share = z.number().check(z.gte(0), z.lte(1));
const Count = z.number().check(z.int(), z.nonnegative(), z.lte(Number.MAX_SAFE_INTEGER));
const Amount = z.number().check(z.nonnegative());

/** Of failures. With it a minute has a greatest size. */
const MOST_CODES = 32;

/** Median and 95th percentile of so many values, within 2 % of the true ones. Of none they are 0. */
export const Quantiles = z.strictObject({ count: Count, p50: Amount, p95: Amount });
export type Quantiles = z.infer<typeof Quantiles>;

/** Where the bytes of a model were when it was asked for. The slowest of its files says it: what lay on SSD is served from there. */
export const LoadSource = z.enum(['nvme', 'ssd', 'origin']);
export type LoadSource = z.infer<typeof LoadSource>;

/** One of the host's volumes as its device saw it, averaged over the window. */
export const DiskLoad = z.strictObject({
  volume: VolumeName,
  readBytesPerSecond: Amount,
  writtenBytesPerSecond: Amount,
  readsPerSecond: Amount,
  writesPerSecond: Amount,
  /** Of the time in which at least one request was in flight. */
  busy: Share,
  /** Mean milliseconds from a request's submission to its end; absent where there was none. */
  awaitMs: z.optional(Amount),
  /** Mean number of requests in flight. */
  queued: Amount,
});
export type DiskLoad = z.infer<typeof DiskLoad>;

/** Absent figures are those that the device does not tell. */
export const GpuLoad = z.strictObject({
  index: Count,
  name: z.string().check(z.maxLength(64)),
  busy: z.optional(Share),
  memoryUsedBytes: z.optional(Bytes),
  memoryTotalBytes: z.optional(Bytes),
  celsius: z.optional(z.number().check(z.gte(-100), z.lte(1000))),
  watts: z.optional(z.number().check(z.nonnegative(), z.lte(100_000))),
});
export type GpuLoad = z.infer<typeof GpuLoad>;

/** What a tier of the host did in the window. */
export const TierActivity = z.strictObject({
  tier: z.enum(['nvme', 'ssd']),
  /** Files that processes were given from here, and their bytes. */
  opens: Count,
  servedBytes: Bytes,
  writtenBytes: Bytes,
  evictions: Count,
  evictedBytes: Bytes,
  /** Moves between tiers that ended here. */
  movesIn: Count,
  movedInBytes: Bytes,
  scrubbedBytes: Bytes,
});
export type TierActivity = z.infer<typeof TierActivity>;

/** `model` is absent in the rows of all models that are not listed by name. */
export const ModelLoads = z.strictObject({
  model: z.optional(ModelName),
  source: LoadSource,
  ms: Quantiles,
});
export type ModelLoads = z.infer<typeof ModelLoads>;

/**
 * What a host did and how loaded it was in the last `windowSeconds`. Parts that it cannot measure are absent: a host without a GPU
 * has no `gpus`, one without `/proc` neither `cpu` nor `disks`. Agents tell at most about 16 KB, as a rule 3; the contract
 * lets no more than 32 KB pass.
 */
export const HostMetrics = z.strictObject({
  windowSeconds: z.number().check(z.positive(), z.lte(86_400)),
  /** Shares of the time of all processors together. */
  cpu: z.optional(z.strictObject({ busy: Share, iowait: Share, stolen: Share, processors: Count })),
  /** `limitBytes`: of the agent's cgroup, where one is tighter than the machine. `availableBytes` heeds both. */
  memory: z.optional(z.strictObject({ totalBytes: Bytes, availableBytes: Bytes, limitBytes: z.optional(Bytes) })),
  /** Shares of the time in which some task waited for it (PSI `some`). */
  pressure: z.optional(z.strictObject({ cpu: z.optional(Share), io: z.optional(Share), memory: z.optional(Share) })),
  /** Of the physical interfaces together, where there are such; `bytesPerSecondLimit` where all of them tell their speed. */
  network: z.optional(
    z.strictObject({
      receivedBytesPerSecond: Amount,
      sentBytesPerSecond: Amount,
      bytesPerSecondLimit: z.optional(Amount),
      errors: Count,
      dropped: Count,
    }),
  ),
  disks: z.optional(z.array(DiskLoad).check(z.maxLength(32))),
  gpus: z.optional(z.array(GpuLoad).check(z.maxLength(16))),
  tiers: z.array(TierActivity).check(z.maxLength(2)),
  /** Asks of processes for models: those that were on the host, those that were not, and those that failed. */
  asks: z.strictObject({ hits: Count, misses: Count, failures: Count }),
  /** From the ask to the answer with a lease, waits included. */
  ensureMs: Quantiles,
  /** From the order of a range to its first byte. */
  firstByteMs: z.optional(Quantiles),
  /** By source, of all models. */
  loads: z.array(ModelLoads).check(z.maxLength(3)),
  /** Those that were loaded for longest in all, and one row a source for the rest. */
  models: z.array(ModelLoads).check(z.maxLength(24)),
  transfer: z.strictObject({
    fetches: Count,
    fetchedBytes: Bytes,
    /** Of each fetch by itself. */
    bytesPerSecond: z.optional(Quantiles),
    retries: Count,
    /** By their code: of what was fetched and failed. */
    failures: z
      .record(z.string().check(z.regex(/^[a-z-]{1,32}$/)), Count)
      .check(z.refine((failures) => Object.keys(failures).length <= MOST_CODES, `names over ${MOST_CODES} codes`)),
    /** That an operator has set for all fetches together. */
    bytesPerSecondLimit: z.optional(Amount),
  }),
});
export type HostMetrics = z.infer<typeof HostMetrics>;
