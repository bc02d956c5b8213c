import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

const count = z.number().check(z.int(), z.nonnegative());

/**
 * Command: add to a shard's account what Intelligent-Tiering would have charged for the bytes that one sweep has seen, and settle what was
 * reserved for blobs that were purged meanwhile, a page of them at a time.
 */
export const AccrueAllowance = z.strictObject({
  schema: z.literal('accrue-allowance/1'),
  /** The moment of that sweep. */
  sweptAt: EpochMs,
  shard: count,
  bytes: count,
  /** The page of reserved dollars to go on from: the account has grown before. */
  cursor: z.optional(z.string()),
  correlationId: CorrelationId,
});
export type AccrueAllowance = z.infer<typeof AccrueAllowance>;
