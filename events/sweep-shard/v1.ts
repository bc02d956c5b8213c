import * as z from 'zod/mini';
import { CorrelationId, Digest } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

/** Command: decide the tier of every blob in one shard of the catalog, a page at a time. */
export const SweepShard = z.strictObject({
  schema: z.literal('sweep-shard/1'),
  sweepId: z.string(),
  /** The moment that the schedule named; decisions of one sweep share it. */
  scheduledAt: EpochMs,
  shard: z.number().check(z.int(), z.nonnegative()),
  cursor: z.optional(z.string()),
  /** Of the blobs on the pages before this one. */
  bytes: z.optional(z.number().check(z.int(), z.nonnegative())),
  /** What a change of policy would do to them, where this sweep looks at one. */
  reach: z.optional(
    z.strictObject({
      objects: z.number().check(z.int(), z.nonnegative()),
      changed: z.number().check(z.int(), z.nonnegative()),
      caught: z.number().check(z.int(), z.nonnegative()),
      examples: z.array(Digest),
    }),
  ),
  correlationId: CorrelationId,
});
export type SweepShard = z.infer<typeof SweepShard>;
