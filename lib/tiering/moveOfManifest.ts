import { BlobRow, RestoreRow } from '../catalog/index.ts';
import { blobDigestOf } from '../shared/digest.ts';
import { CorrelationId, type StorageClass } from '../shared/ids.ts';
import type { TierPolicyName } from '../shared/sweepMode.ts';
import type { EpochMs } from '../shared/units.ts';
import type { MoveDeps, MoveReason, ShownMove } from './moveRun.ts';
import { moveInRun } from './moveInRun.ts';
import type { RunLimits } from './sweepBudget.ts';
import { type Configured, judgingNow } from './judging.ts';
import { packSettings, policyOf } from './sweepSettings.ts';

/** One line of a manifest: a move that a plan has shown, with the limits that the plan was given. */
export interface ManifestMove {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly to: StorageClass;
  readonly action: ShownMove['action'];
  readonly runId: string;
  readonly policy: TierPolicyName;
  /** The moment that the plan was decided for. */
  readonly at: EpochMs;
  readonly limits: RunLimits;
}

export interface MoveOfManifestDeps extends MoveDeps {
  readonly settings: Configured;
}

export interface ManifestAnswer {
  /** `moving`: set going by this call, or by an earlier one for the same line. */
  readonly outcome: 'moving' | 'kept';
  readonly reason:
    | MoveReason
    | 'switched-off'
    | 'dry-run'
    /** The key is that of no blob. */
    | 'no-blob'
    /** Another version than the manifest's is served by now: the manifest is too old. */
    | 'origin-moved';
}

/**
 * Sets the move of one manifest line going, as `strata plan --apply` would: decided once more on fresh facts, only as the
 * plan has shown it, not of what is in use, and within the run's limits. Idempotent by run and digest.
 */
export async function moveOfManifest(deps: MoveOfManifestDeps, move: ManifestMove): Promise<ManifestAnswer> {
  const mode = deps.settings.tierSweep;
  if (mode === 'off') return { outcome: 'kept', reason: 'switched-off' };
  const digest = blobDigestOf(move.key);
  if (digest === undefined) return { outcome: 'kept', reason: 'no-blob' };
  const blob = await BlobRow.get(deps.catalog, digest);
  if (blob !== undefined && move.versionId !== undefined && blob.value.origin.versionId !== move.versionId) {
    return { outcome: 'kept', reason: 'origin-moved' };
  }
  const judging = await judgingNow(deps.catalog, deps.settings, move.policy);
  const run = {
    id: move.runId,
    limits: move.limits,
    policy: policyOf(judging.settings, judging.policy),
    packs: packSettings(judging.settings),
    at: move.at,
    correlationId: CorrelationId.parse(`plan-${move.runId}`),
    only: { action: move.action, to: move.to },
    dryRun: mode === 'dry-run',
  };
  const { reason, moves } = await moveInRun(deps, run, digest);
  if (moves && run.dryRun) return { outcome: 'kept', reason: 'dry-run' };
  if (reason === 'restore-under-way') {
    const restore = await RestoreRow.get(deps.catalog, digest);
    if (restore?.value.correlationId === run.correlationId) return { outcome: 'moving', reason: 'sent-before' };
  }
  return { outcome: moves || reason === 'sent-before' ? 'moving' : 'kept', reason };
}
