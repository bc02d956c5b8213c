import * as z from 'zod/mini';
import { EpochMs, Usd } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/**
 * What restores that somebody asked for have cost on one day, and how many began in one hour, both of UTC: part of each write that begins
 * one, so that readers at once cannot spend more than they may. A day or an hour that has begun never goes back.
 */
export const RestoreSpendingValue = z.strictObject({
  /** Their beginnings. */
  day: EpochMs,
  hour: EpochMs,
  /** Fees of that day. */
  usd: Usd,
  /** Begun in that hour. */
  restores: z.number().check(z.int(), z.nonnegative()),
});
export type RestoreSpending = z.infer<typeof RestoreSpendingValue>;

export const RestoreSpendingRow = defineRow({
  name: 'restore spending',
  schemaVersion: 1,
  schema: RestoreSpendingValue,
  key: () => ({ partition: 'RESTORESPENDING', sort: 'META' }),
  keyOf: (): [] => [],
});
