import { createPowertoolsTelemetry } from '../../lib/adapters/aws/powertoolsTelemetry.ts';
import { S3_CLASSES } from '../../lib/adapters/aws/s3Classes.ts';
import { nodeRandom } from '../../lib/adapters/node/nodeRandom.ts';
import { systemClock } from '../../lib/adapters/node/systemClock.ts';
import { parseLifecycleRules, parseTierRules } from '../../lib/placement/index.ts';
import { parseScanPolicy, SCANNER } from '../../lib/scanning/index.ts';
import { ownBookSettings } from '../../lib/priceBooks/index.ts';
import { type PriceBookFile, parseDecidingBook } from '../../lib/pricing/index.ts';
import { PART_SIZE } from '../../lib/shared/digest.ts';
import { DurationMs } from '../../lib/shared/units.ts';
import type { FunctionDeps } from '../shared/deps.ts';
import type { AwsEnvironment } from './environment.ts';

/** What every function on AWS has: time, randomness, telemetry under its name, the operators' settings. */
export function awsBase(
  name: string,
  environment: AwsEnvironment,
): Pick<FunctionDeps, 'clock' | 'random' | 'telemetry' | 'scanner' | 'settings'> {
  return {
    clock: systemClock,
    random: nodeRandom,
    telemetry: createPowertoolsTelemetry(name),
    scanner: SCANNER,
    settings: {
      region: environment.AWS_REGION,
      priceRegion: environment.AWS_REGION,
      ...ownBookSettings(bookOf(environment)),
      storeClasses: S3_CLASSES,
      partSize: PART_SIZE,
      maxUploadBytes: Number(environment.STRATA_MAX_UPLOAD_BYTES),
      scanPolicy: parseScanPolicy(environment.STRATA_SCAN_POLICY),
      heartbeatSeconds: Number(environment.STRATA_HEARTBEAT_SECONDS),
      silentAfterMs: Number(environment.STRATA_SILENT_AFTER_MS),
      agentRoleArns: environment.STRATA_AGENT_ROLE_ARNS.split(','),
      commandTtlMs: Number(environment.STRATA_COMMAND_TTL_MS),
      placementPolicy: environment.STRATA_PLACEMENT_POLICY,
      tierSweep: environment.STRATA_TIER_SWEEP,
      tierPolicy: environment.STRATA_TIER_POLICY,
      tierRules: parseTierRules(environment.STRATA_TIER_RULES),
      tierPacking: environment.STRATA_TIER_PACKING,
      packAboveBytes: Number(environment.STRATA_PACK_ABOVE_BYTES),
      packBelowRatio: Number(environment.STRATA_PACK_BELOW_RATIO),
      sweepBudgetUsd: Number(environment.STRATA_SWEEP_BUDGET_USD),
      sweepMostMoves: Number(environment.STRATA_SWEEP_MOST_MOVES),
      restoreBudgetUsdPerDay: Number(environment.STRATA_RESTORE_BUDGET_USD_PER_DAY),
      restoresPerHour: Number(environment.STRATA_RESTORES_PER_HOUR),
      lifecycleRules: parseLifecycleRules(environment.STRATA_LIFECYCLE_RULES),
      lifecycleDeletes: environment.STRATA_LIFECYCLE_DELETES,
      lifecycleMostDeletes: Number(environment.STRATA_LIFECYCLE_MOST_DELETES),
      lifecycleMostDeleteBytes: Number(environment.STRATA_LIFECYCLE_MOST_DELETE_BYTES),
      sweepInventoryFrom: Number(environment.STRATA_SWEEP_INVENTORY_FROM),
      orphanSweep: environment.STRATA_ORPHAN_SWEEP,
      orphanGraceMs: DurationMs.parse(Number(environment.STRATA_ORPHAN_GRACE_MS)),
      uploadSweep: environment.STRATA_UPLOAD_SWEEP,
      uploadGraceMs: DurationMs.parse(Number(environment.STRATA_UPLOAD_GRACE_MS)),
      refusedKeepMs: DurationMs.parse(Number(environment.STRATA_REFUSED_KEEP_MS)),
      auditRetentionMs: DurationMs.parse(Number(environment.STRATA_AUDIT_RETENTION_MS)),
    },
  };
}

function bookOf({ STRATA_PRICE_BOOK: json }: AwsEnvironment): PriceBookFile | undefined {
  return json === '' ? undefined : parseDecidingBook(JSON.parse(json));
}
