import * as z from 'zod/mini';
import { Digest } from '../../shared/ids.ts';
import { SweepMode, TierPolicyName } from '../../shared/sweepMode.ts';
import { TierSettings } from '../../shared/tierSettings.ts';
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
  /** Rows that could not be read, so that nobody knows what would become of them, and a few of them; absent: none. */
  unknown: z.optional(count),
  unreadable: z.optional(z.array(z.string())),
});
export type PolicyReach = z.infer<typeof PolicyReach>;

/** Older releases noted none: those that are configured count as theirs. */
const settings = z.optional(TierSettings);

/** Of the policy's code; older releases noted none (`policyVersions.ts`). */
const version = z.optional(z.string());

/**
 * The policy of storage classes that sweeps decide by, with its settings, and the change of them that is being looked at. What is configured
 * comes into force at once where there is nothing to look at, or where it only switches something off; otherwise when a whole look has found
 * nothing in use that it would catch, or when an operator has accepted it.
 */
export const TierPolicyValue = z.strictObject({
  /** Absent before the first policy: nothing decides. */
  inForce: z.optional(TierPolicyName),
  settings,
  version,
  since: EpochMs,
  /** What operators allow although it catches objects in use. */
  accepted: z.optional(z.strictObject({ policy: TierPolicyName, settings, version, by: z.string(), at: EpochMs })),
  change: z.optional(
    z.strictObject({
      to: TierPolicyName,
      settings,
      version,
      /** The sweep that the look at every object began with. */
      sweptAt: EpochMs,
      /** Of releases whose sweeps looked themselves, by shard; not read any more. */
      shards: z.optional(z.record(z.string(), PolicyReach)),
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

/** How far the look at a change has come in one part of all blobs, and what it has found there. */
export const PolicyLookValue = z.strictObject({
  lookId: z.string(),
  part: count,
  pages: count,
  /** The page that comes next, while it has not ended. */
  cursor: z.optional(z.string()),
  /** How much of the part lies behind it, from 0 to 1. */
  place: z.number().check(z.gte(0), z.lte(1)),
  reach: PolicyReach,
  endedAt: z.optional(EpochMs),
  expiresAt: EpochMs,
});
export type PolicyLook = z.infer<typeof PolicyLookValue>;

export const PolicyLookRow = defineRow({
  name: 'policy look',
  schemaVersion: 1,
  schema: PolicyLookValue,
  key: (lookId: string, part: number) => ({ partition: `POLICYLOOK#${lookId}`, sort: `PART#${part}` }),
  keyOf: (value): [string, number] => [value.lookId, value.part],
  expiresAt: (value) => value.expiresAt,
});

/** What the last sweep began with, as it is configured: operators who look from outside know nothing else of it. */
export const SweepSettingsValue = z.strictObject({
  tierSweep: SweepMode,
  tierPolicy: TierPolicyName,
  settings: TierSettings,
  /** The sweep that began with other ones last, or with these first. */
  since: EpochMs,
});
export type ConfiguredSweeps = z.infer<typeof SweepSettingsValue>;

export const SweepSettingsRow = defineRow({
  name: 'sweep settings',
  schemaVersion: 1,
  schema: SweepSettingsValue,
  key: () => ({ partition: 'TIERPOLICY', sort: 'CONFIGURED' }),
  keyOf: (): [] => [],
});
