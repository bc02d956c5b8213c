import * as z from 'zod/mini';
import { Digest } from '../../shared/ids.ts';
import { TierPolicyName } from '../../shared/sweepMode.ts';
import { EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

const count = z.number().check(z.int(), z.nonnegative());

/** How far a change of policy would reach: objects that were looked at, that would be elsewhere, and that are in use and would suffer. */
export const PolicyReach = z.strictObject({
  objects: count,
  changed: count,
  caught: count,
  /** A few of those caught. */
  examples: z.array(Digest),
});
export type PolicyReach = z.infer<typeof PolicyReach>;

/**
 * The policy of storage classes that sweeps decide by, and the change of it that is being looked at. A configured policy comes into force
 * at once where none was; otherwise when a whole sweep has found nothing in use that it would catch, or when an operator has accepted it.
 */
export const TierPolicyValue = z.strictObject({
  inForce: TierPolicyName,
  since: EpochMs,
  /** What operators allow although it catches objects in use. */
  accepted: z.optional(z.strictObject({ policy: TierPolicyName, by: z.string(), at: EpochMs })),
  change: z.optional(
    z.strictObject({
      to: TierPolicyName,
      /** The sweep that looks at every object. */
      sweptAt: EpochMs,
      /** What it found, by sweep shard. */
      shards: z.record(z.string(), PolicyReach),
    }),
  ),
  /** Why the change was refused last. */
  refused: z.optional(z.strictObject({ to: TierPolicyName, at: EpochMs, reach: PolicyReach })),
});
export type TierPolicyInForce = z.infer<typeof TierPolicyValue>;

export const TierPolicyRow = defineRow({
  name: 'tier policy',
  schemaVersion: 1,
  schema: TierPolicyValue,
  key: () => ({ partition: 'TIERPOLICY', sort: 'META' }),
  keyOf: (): [] => [],
});
