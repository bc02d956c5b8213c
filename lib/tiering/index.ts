export { accrueAllowance } from './accrueAllowance.ts';
export { addReach } from './decidePolicyChange.ts';
export { ACTION_METADATA } from './copyOrigin.ts';
export {
  decideTransition,
  TIER_OF,
  type TransitionFacts,
  type TransitionReason,
  type TransitionStep,
} from './decideTransition.ts';
export { firstPlace, type FirstPlaceDeps } from './firstPlace.ts';
export { judgeRestored } from './judgeRestored.ts';
export { TieringError } from './errors.ts';
export { decideSweepPath, estimateBlobs, type SweepPathDecision } from './decideSweepPath.ts';
export { type InventorySweepInput, type InventorySweeps, startSweep, type StartSweepDeps } from './startSweep.ts';
export { RETIRED_READS_PER_DAY } from './loadTierFacts.ts';
export type { PackSettings } from './loadTierFacts.ts';
export { explainBlob } from './judgeBlob.ts';
export { decideMove } from './moveBlob.ts';
export type { MoveDeps, MoveReason, MoveRun } from './moveRun.ts';
export { beginPlan, divideLimits, shardOfPlan } from './planBudget.ts';
export { type RunLimits, reserve, shardLimits } from './sweepBudget.ts';
export { type ManifestMove, moveOfManifest, type MoveOfManifestDeps } from './moveOfManifest.ts';
export { type JobPlace, type MoveJob, manifestLine, moveJob, moveName, originLine } from './moveManifest.ts';
export { lookAtPolicy } from './lookAtPolicy.ts';
export { decides } from './policyInForce.ts';
export { noted } from './deciding.ts';
export { LOOK_PARTS, lookIdOf, lookPartOf, partsOf } from './lookParts.ts';
export { endInventory } from './accrueInventory.ts';
export { sweepInventory } from './sweepInventory.ts';
export { sweepShard } from './sweepShard.ts';
export { type Deciding, decidesAlike } from './deciding.ts';
export { type Configured, type Judging, judgingNow, SHIPPED, wantedNow } from './judging.ts';
export {
  DEFAULT_PACKING,
  packSettings,
  policyOf,
  type SweepDeps,
  type SweepSettings,
  TIER_SETTINGS,
  tierSettings,
} from './sweepSettings.ts';
export { type TransitionAnswer, type TransitionDeps, transitionReplica } from './transitionReplica.ts';
