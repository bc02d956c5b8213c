import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

/** Command: compare one stretch of `blobs/` with the catalog and sweep what no row has named for long. */
export const SweepOrphans = z.strictObject({
  schema: z.literal('sweep-orphans/1'),
  sweepId: z.string(),
  /** The moment that the schedule named. */
  scheduledAt: EpochMs,
  /** The first digit of the digests of this stretch; absent for all of them. */
  digit: z.optional(z.string().check(z.regex(/^[0-9a-f]$/))),
  cursor: z.optional(z.string()),
  correlationId: CorrelationId,
});
export type SweepOrphans = z.infer<typeof SweepOrphans>;
