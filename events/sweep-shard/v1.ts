import * as z from 'zod/mini';
import { CorrelationId, Digest } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

const count = z.number().check(z.int(), z.nonnegative());
const usd = z.number().check(z.nonnegative());

/** In this order; each begins when the one before has ended in the shard. */
export const SweepStage = z.enum(['analysis', 'warming', 'lifecycle']);
export type SweepStage = z.infer<typeof SweepStage>;

/** What one stage has done in a shard so far. */
export const StageTally = z.strictObject({
  /** Looked at. */
  blobs: count,
  /** Found to move (analysis), set going (warming, lifecycle). */
  moves: count,
  bytes: count,
  /** Versions that hosts are asked to hold. */
  placements: count,
  /** Found to move, and left to the next sweep: this one may spend or set going no more. */
  left: z._default(count, 0),
  /** What these would take of a budget. */
  leftUsd: z._default(usd, 0),
  /** Of those left, the ones that cost more than a whole sweep may spend; absent: none. */
  tooDear: z.optional(count),
  /** Of the others, one whose turn is next among what found no dollars: the next sweep may keep some for it. */
  waits: z.optional(z.strictObject({ digest: Digest, usd })),
});
export type StageTally = z.infer<typeof StageTally>;

/** Command: one stage of a sweep over one shard of the catalog, a page at a time. */
export const SweepShard = z.strictObject({
  schema: z.literal('sweep-shard/1'),
  sweepId: z.string(),
  /** The moment that the schedule named; decisions of one sweep share it. */
  scheduledAt: EpochMs,
  shard: z.number().check(z.int(), z.nonnegative()),
  stage: z._default(SweepStage, 'analysis'),
  cursor: z.optional(z.string()),
  /** Of the stage's pages before this one. */
  tally: z.optional(StageTally),
  /** Stored by the blobs on the pages of the analysis before this one. */
  bytes: z.optional(count),
  /** Of a release whose sweeps looked at changes of the policy themselves; passed over. */
  reach: z.optional(
    z.strictObject({
      objects: count,
      changed: count,
      caught: count,
      examples: z.array(Digest),
    }),
  ),
  correlationId: CorrelationId,
});
export type SweepShard = z.infer<typeof SweepShard>;
