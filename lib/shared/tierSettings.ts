import * as z from 'zod/mini';
import { StorageClass } from './ids.ts';
import { ExpiryMode, SweepMode } from './sweepMode.ts';

const amount = z.number().check(z.nonnegative());

/**
 * The rule preset, in order; the first that holds wins:
 *
 * 1. hot: the object is younger than `newContentDays` (new content starts hot and has no velocity yet);
 * 2. hot: at least `hotPerDay` accesses a day, over the last 30 days;
 * 3. warm: at least `warmPerDay`;
 * 4. warm: younger than `warmAgeDays`;
 * 5. archive: older than `archiveAgeDays` and not read within `warmAgeDays`;
 * 6. cold.
 */
export const TierRules = z.strictObject({
  kind: z.literal('rules'),
  version: z.string(),
  newContentDays: amount,
  hotPerDay: amount,
  warmPerDay: amount,
  warmAgeDays: amount,
  archiveAgeDays: amount,
  classes: z.strictObject({ hot: StorageClass, warm: StorageClass, cold: StorageClass, archive: StorageClass }),
  /** What was not read for so long may be packed, within `PackTerms` and the guards of every policy (`plainReason`). */
  packIdleDays: amount,
});
export type TierRules = z.infer<typeof TierRules>;

/** The thresholds of the lifecycle preset. */
export const LifecycleRules = z.strictObject({
  version: z.string(),
  deleteAfterIdleDays: amount,
  deleteBelowPerDay: amount,
  coldAfterIdleDays: amount,
  coldBelowPerDay: amount,
  compressBelowRatio: amount,
  compressAboveBytes: amount,
});
export type LifecycleRules = z.infer<typeof LifecycleRules>;

/** What operators set of the policies of storage classes, beside their choice among them. */
export const TierSettings = z.strictObject({
  tierRules: TierRules,
  lifecycleRules: LifecycleRules,
  /** Of the deletes that the lifecycle preset finds. */
  lifecycleDeletes: ExpiryMode,
  /** Of packing by sweeps and plans, within what `tierSweep` allows. */
  tierPacking: SweepMode,
  /** What the rule preset packs: above so many bytes, and below this part of them. */
  packAboveBytes: amount,
  packBelowRatio: amount,
  /** The price book that decides in place of the region's, `id@asOf`. */
  priceBook: z.optional(z.string().check(z.regex(/^[A-Za-z0-9._/-]{1,64}@\d{4}-\d{2}-\d{2}$/))),
});
export type TierSettings = z.infer<typeof TierSettings>;
