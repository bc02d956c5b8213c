import * as z from 'zod/mini';
import { Digest, Generation, HostId } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

/** How often a host's inference processes opened which blobs since its last batch. Signed by the host; counted once per `batchId`. */
export const AccessesReported = z.strictObject({
  schema: z.literal('accesses-reported/1'),
  batchId: z.string().check(z.regex(/^[a-z0-9-]{1,64}$/)),
  host: HostId,
  generation: Generation,
  accesses: z
    .array(
      z.strictObject({
        digest: Digest,
        /** UTC day, `2026-11-20`. */
        day: z.string().check(z.regex(/^\d{4}-\d{2}-\d{2}$/)),
        count: z.number().check(z.int(), z.positive()),
        lastAt: EpochMs,
        hits: z.number().check(z.int(), z.nonnegative()),
      }),
    )
    .check(z.minLength(1), z.maxLength(40)),
});
export type AccessesReported = z.infer<typeof AccessesReported>;
