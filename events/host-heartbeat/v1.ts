import * as z from 'zod/mini';
import { Digest, Generation, HostId } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';

/** What a host measured of itself. Signed by the host. `sequence` orders the heartbeats of one generation. */
export const HostHeartbeat = z.strictObject({
  schema: z.literal('host-heartbeat/1'),
  host: HostId,
  generation: Generation,
  sequence: z.number().check(z.int(), z.positive()),
  at: EpochMs,
  capacityBytes: Bytes,
  usedBytes: Bytes,
  reservedBytes: Bytes,
  volumeFreeBytes: Bytes,
  draining: z.boolean(),
  activeLeases: z.number().check(z.int(), z.nonnegative()),
  /** Every verified blob on the host; sent on `report`, at registration and every tenth time. At most 10,000. */
  residents: z.optional(z.array(Digest).check(z.maxLength(10_000))),
});
export type HostHeartbeat = z.infer<typeof HostHeartbeat>;
