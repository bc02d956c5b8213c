import { settle, shardOf, SWEEP_SHARDS } from '../catalog/index.ts';
import type { TierKeepReason } from '../placement/index.ts';
import type { Digest } from '../shared/ids.ts';
import { decideMove } from './moveBlob.ts';
import type { MoveDeps, MoveReason, MoveRun } from './moveRun.ts';
import { type RunLimits, shardLimits } from './sweepBudget.ts';

/** A run over many blobs by any number of workers at once; `limits` are those of the run as a whole. */
export interface WholeRun extends Omit<MoveRun, 'shard'> {
  readonly limits: RunLimits;
  /** Decides and answers, changes nothing. */
  readonly dryRun: boolean;
}

/** A blob that stays may change the account of what is at risk. */
const KEPT: Readonly<Record<TierKeepReason | 'would-pack', true>> = {
  'would-pack': true,
  'already-there': true,
  held: true,
  'held-at-a-loss': true,
  'minimum-duration': true,
  'below-class-minimum': true,
  'no-cheaper-class': true,
  'allowance-spent': true,
  expires: true,
  'still-read': true,
};

export interface MoveAnswer {
  readonly reason: MoveReason;
  /** Whether its move was set going now, or would have been but for the dry run. */
  readonly moves: boolean;
}

/**
 * Decides about one blob and sets its move going, out of what the blob's shard of the run may still spend: each reservation is a
 * conditional write, so the limits hold however many workers decide at once and however often a blob comes.
 */
export function moveInRun(deps: MoveDeps, run: WholeRun, digest: Digest): Promise<MoveAnswer> {
  return settle(deps.catalog, `Deciding ${digest}`, async () => {
    const { changes, answer } = await decideMove(deps, shardOfRun(run, digest), digest);
    const moves = changes.length > 0 && !Object.hasOwn(KEPT, answer);
    return { changes: run.dryRun ? [] : changes, answer: { reason: answer, moves } };
  });
}

/** The run within the limits of the blob's shard. */
export function shardOfRun(run: WholeRun, digest: Digest): MoveRun {
  const shard = shardOf(digest, SWEEP_SHARDS);
  return { ...run, shard, limits: shardLimits(run, shard) };
}
