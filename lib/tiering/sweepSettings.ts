import type { ExpirySettings } from '../expiry/index.ts';
import { DOLLARS, LIFECYCLE, lifecyclePolicy, PACK_TERMS, TIER_RULES, type TierPolicy } from '../placement/index.ts';
import type { CorrelationId } from '../shared/ids.ts';
import type { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { EpochMs } from '../shared/units.ts';
import type { PackSettings } from './loadTierFacts.ts';
import type { MoveReason } from './moveBlob.ts';
import type { WholeRun } from './moveInRun.ts';

export const TIER_POLICIES: Readonly<Record<TierPolicyName, TierPolicy>> = {
  rules: TIER_RULES,
  dollars: DOLLARS,
  lifecycle: LIFECYCLE,
};

/** What operators allow a scheduled sweep. */
export interface SweepSettings extends ExpirySettings {
  readonly sweepBudgetUsd: number;
  readonly sweepMostMoves: number;
  /** Of packing, within what `tierSweep` allows. */
  readonly tierPacking: SweepMode;
  /** What the rule preset packs: above so many bytes, and below this part of them. */
  readonly packAboveBytes: number;
  readonly packBelowRatio: number;
}

/** What a plan decides with where nobody knows the plane's settings. */
export const DEFAULT_PACKING: PackSettings = { mode: 'on', terms: PACK_TERMS };

export function packSettings(
  settings: Pick<SweepSettings, 'tierPacking' | 'packAboveBytes' | 'packBelowRatio'>,
): PackSettings {
  const { tierPacking, packAboveBytes, packBelowRatio } = settings;
  return { mode: tierPacking, terms: { ...PACK_TERMS, aboveBytes: packAboveBytes, belowRatio: packBelowRatio } };
}

/** The run of a scheduled moment. Whoever sweeps for it, over rows or over an inventory, has the same run and the same limits. */
export function scheduledRun(
  settings: SweepSettings,
  { scheduledAt, correlationId }: { readonly scheduledAt: EpochMs; readonly correlationId: CorrelationId },
): WholeRun {
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

/** A policy with what operators have set of it. */
export function policyOf({ lifecycleRules, lifecycleDeletes }: SweepSettings, name: TierPolicyName): TierPolicy {
  return name === 'lifecycle' ? lifecyclePolicy(lifecycleRules, lifecycleDeletes === 'on') : TIER_POLICIES[name];
}

/** How many blobs were decided about for which reason. */
export type MoveCounts = ReadonlyMap<MoveReason, number>;

export function reportMoves(telemetry: Telemetry, counts: MoveCounts, mode: SweepMode): void {
  for (const [reason, count] of counts) telemetry.metric('TierDecided', 'Count', count, { reason, mode });
}
