import * as z from 'zod/mini';
import { ModelName, SemVer } from '../../shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../../shared/units.ts';
import { defineRow, sortableTime } from '../rowType.ts';

const count = z.number().check(z.int(), z.nonnegative());

/** A version that a sweep by the lifecycle preset found to be deleted; it is judged again before it is. */
export const ExpiryValue = z.strictObject({
  runId: z.string(),
  model: ModelName,
  version: SemVer,
  foundAt: EpochMs,
  expiresAt: EpochMs,
});
export type ExpiryCandidate = z.infer<typeof ExpiryValue>;

export const ExpiryRow = defineRow({
  name: 'expiry',
  schemaVersion: 1,
  schema: ExpiryValue,
  key: (runId: string, model: ModelName, version: SemVer) => ({
    partition: `EXPIRY#${runId}`,
    sort: `VERSION#${model}@${version}`,
  }),
  keyOf: (value): [string, ModelName, SemVer] => [value.runId, value.model, value.version],
  expiresAt: (value) => value.expiresAt,
});

/** What one sweep has deleted by policy. found → ended, when every version that it found was looked at, or its limits were reached. */
export const ExpiryRunValue = z.strictObject({
  runId: z.string(),
  state: z.enum(['found', 'ended']),
  foundAt: EpochMs,
  /** Deleted, and the bytes that their purge will free. */
  versions: count,
  bytes: Bytes,
  savedUsdPerMonth: Usd,
  /** What the storage classes still charge, once the bytes go. */
  earlyDeletionUsd: Usd,
  expiresAt: EpochMs,
});
export type ExpiryRun = z.infer<typeof ExpiryRunValue>;

export const ExpiryRunRow = defineRow({
  name: 'expiry run',
  schemaVersion: 1,
  schema: ExpiryRunValue,
  key: (runId: string) => ({ partition: `EXPIRY#${runId}`, sort: 'RUN' }),
  keyOf: (value): [string] => [value.runId],
  index: (value) => ({ listing: { partition: 'EXPIRYRUNS', sort: `${sortableTime(value.foundAt)}#${value.runId}` } }),
  expiresAt: (value) => value.expiresAt,
});
