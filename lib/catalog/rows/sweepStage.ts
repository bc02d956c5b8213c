import * as z from 'zod/mini';
import { StageTally, SweepStage } from '../../../events/sweep-shard/v1.ts';
import { Digest } from '../../shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../../shared/units.ts';
import { defineRow, sortableTime } from '../rowType.ts';

const shardNumber = z.number().check(z.int(), z.nonnegative());
/** A blob that the analysis of a sweep has found to warm or to move; the later stages decide about it once more. */
export const SweepFindingValue = z.strictObject({
  runId: z.string(),
  shard: shardNumber,
  digest: Digest,
  /** Something was decided that is to be written: a move, a risk, a version that may go. */
  moves: z.boolean(),
  /** What its origin takes in the bucket. */
  bytes: Bytes,
  /** It is read daily: hosts that subscribe to it should hold it. */
  place: z.boolean(),
  /** Whether its move makes reads cheaper or faster; absent in rows of an older release. */
  warms: z.optional(z.boolean()),
  /** What its move is expected to take of the run, as it was found; absent where nothing moves, and in rows of an older release. */
  price: z.optional(z.strictObject({ usd: Usd, home: z.boolean() })),
  /** What the latest stage that set something going has done, for a page of it that is delivered again. */
  carriedOut: z.optional(z.strictObject({ stage: SweepStage, moves: z.boolean(), placements: shardNumber })),
  expiresAt: EpochMs,
});
export type SweepFinding = z.infer<typeof SweepFindingValue>;

export const SweepFindingRow = defineRow({
  name: 'sweep finding',
  schemaVersion: 1,
  schema: SweepFindingValue,
  key: (runId: string, shard: number, digest: Digest) => ({
    partition: `FOUND#${runId}#${shard}`,
    sort: `BLOB#${digest}`,
  }),
  keyOf: (value): [string, number, Digest] => [value.runId, value.shard, value.digest],
  expiresAt: (value) => value.expiresAt,
});

/** Written when a stage of a sweep has ended in one shard, with the message that begins the next one. */
export const SweepStageValue = z.strictObject({
  runId: z.string(),
  shard: shardNumber,
  stage: SweepStage,
  ...StageTally.shape,
  /** The shard's part of the run's budget. */
  budgetUsd: Usd,
  endedAt: EpochMs,
  expiresAt: EpochMs,
});
export type EndedStage = z.infer<typeof SweepStageValue>;

export const SweepStageRow = defineRow({
  name: 'sweep stage',
  schemaVersion: 1,
  schema: SweepStageValue,
  key: (runId: string, shard: number, stage: SweepStage) => ({
    partition: `STAGES#${runId}`,
    sort: `SHARD#${shard}#${stage}`,
  }),
  keyOf: (value): [string, number, SweepStage] => [value.runId, value.shard, value.stage],
  // Of each run one shard's analysis, by which runs are listed.
  index: ({ endedAt, runId, shard, stage }) =>
    shard === 0 && stage === 'analysis'
      ? { listing: { partition: 'STAGEDRUNS', sort: `${sortableTime(endedAt)}#${runId}` } }
      : {},
  expiresAt: (value) => value.expiresAt,
});
