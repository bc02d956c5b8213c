import * as z from 'zod/mini';
import { Digest, Generation, HostId, VolumeName } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';
import { HostMetrics } from './metrics.ts';

/** One volume of a host's store. A failed one holds nothing that is served; its figures are 0. */
export const VolumeReport = z.strictObject({
  name: VolumeName,
  tier: z.enum(['nvme', 'ssd']),
  state: z.enum(['active', 'failed']),
  capacityBytes: Bytes,
  usedBytes: Bytes,
  reservedBytes: Bytes,
  freeBytes: Bytes,
});
export type VolumeReport = z.infer<typeof VolumeReport>;

/** What a host measured of itself. Signed by the host. `sequence` orders the heartbeats of one generation. */
export const HostHeartbeat = z.strictObject({
  /**
   * `/2` may list volumes, `/3` says with each list of residents which of them are pinned, `/4` may carry metrics. Older agents send
   * the older ones, and today's `/3` where it carries none.
   */
  schema: z.enum(['host-heartbeat/1', 'host-heartbeat/2', 'host-heartbeat/3', 'host-heartbeat/4']),
  host: HostId,
  generation: Generation,
  sequence: z.number().check(z.int(), z.positive()),
  at: EpochMs,
  /** These four: of the NVMe volumes together. */
  capacityBytes: Bytes,
  usedBytes: Bytes,
  reservedBytes: Bytes,
  volumeFreeBytes: Bytes,
  volumes: z.optional(z.array(VolumeReport).check(z.maxLength(32))),
  draining: z.boolean(),
  activeLeases: z.number().check(z.int(), z.nonnegative()),
  /** Every verified blob on the host, on whichever volume; sent on `report`, at registration and every tenth time. At most 10,000. */
  residents: z.optional(z.array(Digest).check(z.maxLength(10_000))),
  /** Those of `residents` that are pinned. Absent where the agent does not tell. */
  pinned: z.optional(z.array(Digest).check(z.maxLength(10_000))),
  /** About once a minute, of the time since the last ones. */
  metrics: z.optional(HostMetrics),
});
export type HostHeartbeat = z.infer<typeof HostHeartbeat>;
