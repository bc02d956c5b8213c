import * as z from 'zod/mini';
import { StageTally } from '../../../events/sweep-shard/v1.ts';
import { Digest, StorageClass } from '../../shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

const count = z.number().check(z.int(), z.nonnegative());
const shard = count;

/** One sweep shard's account of what moves on learned forecasts may lose (`RiskAccount`). Changed only together with what it pays for. */
export const AllowanceValue = z.strictObject({
  shard,
  shadowUsd: Usd,
  settledUsd: Usd,
  reservedUsd: Usd,
  /** The sweep that has added to the shadow last. */
  accruedThrough: EpochMs,
});
export type AllowanceAccount = z.infer<typeof AllowanceValue>;

export const AllowanceRow = defineRow({
  name: 'allowance',
  schemaVersion: 1,
  schema: AllowanceValue,
  key: (one: number) => ({ partition: `ALLOWANCE#${one}`, sort: 'META' }),
  keyOf: (value): [number] => [value.shard],
});

/** A blob that is out of Intelligent-Tiering on a learned forecast, and what is reserved for it, until it is elsewhere. */
export const RiskValue = z.strictObject({
  shard,
  digest: Digest,
  bytes: Bytes,
  from: StorageClass,
  to: StorageClass,
  openedAt: EpochMs,
  idleMs: z.number().check(z.nonnegative()),
  movedUsd: Usd,
  reservedUsd: Usd,
  /** Reads between two sweeps that its reservation covers; absent in rows of older releases, which covered one. */
  readsCovered: z.optional(count),
  /** Reads of the bucket that were counted of its first day before it was opened. */
  readsBefore: z.optional(count),
  /** When its own move came to `to`, and when and where it left: what comes there again later is another move's. */
  arrivedAt: z.optional(EpochMs),
  left: z.optional(
    z.strictObject({
      at: EpochMs,
      to: StorageClass,
      /** Of that day until then. */
      readsBefore: z.optional(count),
    }),
  ),
});
export type BlobRisk = z.infer<typeof RiskValue>;

export const RiskRow = defineRow({
  name: 'risk',
  schemaVersion: 1,
  schema: RiskValue,
  key: (one: number, digest: Digest) => ({ partition: `ALLOWANCE#${one}`, sort: `RISK#${digest}` }),
  keyOf: (value): [number, Digest] => [value.shard, value.digest],
});

/**
 * What batches of one sweep over the inventory have seen, by sweep shard, until all have been: bytes for the shards' accounts, and what was found.
 * Batches are spread over cells, so that those which end at once seldom meet.
 */
export const SweptBytesValue = z.strictObject({
  sweptAt: EpochMs,
  cell: z.number().check(z.int(), z.nonnegative()),
  bytes: z.array(Bytes),
  /** Absent in rows of older releases, whose batches moved at once. */
  tallies: z.optional(z.array(StageTally)),
});
export type SweptBytes = z.infer<typeof SweptBytesValue>;

export const SweptBytesRow = defineRow({
  name: 'swept bytes',
  schemaVersion: 1,
  schema: SweptBytesValue,
  key: (sweptAt: number, cell: number) => ({ partition: 'SWEPTBYTES', sort: `${sweptAt}#${cell}` }),
  keyOf: (value): [number, number] => [value.sweptAt, value.cell],
});
