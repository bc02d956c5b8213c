import * as z from 'zod/mini';
import { Digest } from '../../shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../../shared/units.ts';
import { defineRow, sortableTime } from '../rowType.ts';

/**
 * What one shard of one sweep may still set going. Dollars and moves are reserved in the write that decides a move, so a sweep that is
 * killed, repeated or continued never goes above its limits.
 */
export const SweepRunValue = z.strictObject({
  runId: z.string(),
  shard: z.number().check(z.int(), z.nonnegative()),
  /** The shard's part of the run's limits. */
  budgetUsd: Usd,
  mostMoves: z.number().check(z.int(), z.nonnegative()),
  /** Reserved so far: requests, retrieval and early deletion of the moves that were decided. */
  reservedUsd: Usd,
  /** The same of ways home, which have ten budgets of their own; not part of the above. */
  homeUsd: z.optional(Usd),
  /** Of the budget, and one of the moves: kept for a move that earlier sweeps had no dollars for; absent once it goes, with what of it is not needed. */
  kept: z.optional(z.strictObject({ digest: Digest, usd: Usd })),
  /** An equal part of the run's budget where the shard has another one: ways home go by it. */
  evenUsd: z.optional(Usd),
  moves: z.number().check(z.int(), z.nonnegative()),
  movedBytes: Bytes,
  startedAt: EpochMs,
  expiresAt: EpochMs,
});
export type SweepRun = z.infer<typeof SweepRunValue>;

export const SweepRunRow = defineRow({
  name: 'sweep run',
  schemaVersion: 1,
  schema: SweepRunValue,
  key: (runId: string, shard: number) => ({
    partition: `RUN#${runId}`,
    sort: `SHARD#${String(shard).padStart(2, '0')}`,
  }),
  keyOf: (value): [string, number] => [value.runId, value.shard],
  // A partition for each shard, as its row is written with every move.
  index: (value) => ({
    listing: { partition: `RUNS#${value.shard}`, sort: `${sortableTime(value.startedAt)}#${value.runId}` },
  }),
  expiresAt: (value) => value.expiresAt,
});

/** What dollars of a shard were kept for last: of what costs more than its equal part, since the others had a turn; and of these. */
const ShardTurn = z.strictObject({ dear: z.optional(Digest), other: z.optional(Digest) });
export type ShardTurn = z.infer<typeof ShardTurn>;

/** The latest sweep that has kept dollars for what waited, the shard whose turn was the first, and how far each shard is. */
export const SweepTurnValue = z.strictObject({
  runId: z.string(),
  shard: z.number().check(z.int(), z.nonnegative()),
  shards: z.array(ShardTurn),
});
export type SweepTurn = z.infer<typeof SweepTurnValue>;

export const SweepTurnRow = defineRow({
  name: 'sweep turn',
  schemaVersion: 1,
  schema: SweepTurnValue,
  key: () => ({ partition: 'SWEEPTURN', sort: 'META' }),
  keyOf: (): [] => [],
});
