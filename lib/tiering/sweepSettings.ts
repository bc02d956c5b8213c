import type { ExpirySettings } from '../expiry/index.ts';
import {
  DOLLARS,
  LIFECYCLE_RULES,
  lifecyclePolicy,
  PACK_TERMS,
  TIER_RULES,
  type TierPolicy,
} from '../placement/index.ts';
import type { CorrelationId } from '../shared/ids.ts';
import type { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import type { TierSettings } from '../shared/tierSettings.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { EpochMs } from '../shared/units.ts';
import type { PackSettings } from './loadTierFacts.ts';
import type { MoveDeps, MoveReason } from './moveRun.ts';
import type { WholeRun } from './moveInRun.ts';

/** What decides unless operators set something else. */
export const TIER_SETTINGS: TierSettings = {
  tierRules: TIER_RULES,
  lifecycleRules: LIFECYCLE_RULES,
  lifecycleDeletes: 'dry-run',
  tierPacking: 'dry-run',
  packAboveBytes: PACK_TERMS.aboveBytes,
  packBelowRatio: PACK_TERMS.belowRatio,
};

/** What operators allow a scheduled sweep. */
export interface SweepSettings extends ExpirySettings, TierSettings {
  readonly sweepBudgetUsd: number;
  readonly sweepMostMoves: number;
}

export interface SweepDeps extends MoveDeps {
  readonly telemetry: Telemetry;
  readonly settings: SweepSettings;
}

/** What a plan decides with where nobody knows the plane's settings. */
export const DEFAULT_PACKING: PackSettings = { mode: 'on', terms: PACK_TERMS };

export function packSettings(
  settings: Pick<SweepSettings, 'tierPacking' | 'packAboveBytes' | 'packBelowRatio'>,
): PackSettings {
  const { tierPacking, packAboveBytes, packBelowRatio } = settings;
  return { mode: tierPacking, terms: { ...PACK_TERMS, aboveBytes: packAboveBytes, belowRatio: packBelowRatio } };
}

export interface ScheduledRun {
  readonly scheduledAt: EpochMs;
  readonly correlationId: CorrelationId;
}

/** The run of a scheduled moment. Whoever sweeps for it, over rows or over an inventory, has the same run and the same limits. */
export function scheduledRun(settings: SweepSettings, { scheduledAt, correlationId }: ScheduledRun): WholeRun {
  return {
    id: String(scheduledAt),
    limits: { budgetUsd: settings.sweepBudgetUsd, mostMoves: settings.sweepMostMoves },
    policy: policyOf(settings, settings.tierPolicy),
    packs: packSettings(settings),
    at: scheduledAt,
    correlationId,
    dryRun: settings.tierSweep === 'dry-run',
  };
}

/** What is noted of them in the catalog. */
export function tierSettings(all: TierSettings): TierSettings {
  const { lifecycleDeletes, lifecycleRules, packAboveBytes, packBelowRatio, priceBook, tierPacking, tierRules } = all;
  const noted = { lifecycleDeletes, lifecycleRules, packAboveBytes, packBelowRatio, tierPacking, tierRules };
  return priceBook === undefined ? noted : { ...noted, priceBook };
}

/** A policy with what operators have set of it. */
export function policyOf(
  { lifecycleDeletes, lifecycleRules, tierRules }: Omit<TierSettings, 'tierPacking'>,
  name: TierPolicyName,
): TierPolicy {
  switch (name) {
    case 'rules':
      return tierRules;
    case 'dollars':
      return DOLLARS;
    case 'lifecycle':
      return lifecyclePolicy(lifecycleRules, lifecycleDeletes === 'on');
  }
}

/** How many blobs were decided about for which reason. */
export type MoveCounts = ReadonlyMap<MoveReason, number>;

export function reportMoves(telemetry: Telemetry, counts: MoveCounts, mode: SweepMode): void {
  for (const [reason, count] of counts) telemetry.metric('TierDecided', 'Count', count, { reason, mode });
}
