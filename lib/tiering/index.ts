export { ACTION_METADATA } from './copyOrigin.ts';
export {
  decideTransition,
  TIER_OF,
  type TransitionFacts,
  type TransitionReason,
  type TransitionStep,
} from './decideTransition.ts';
export { TieringError } from './errors.ts';
export { startSweep, type StartSweepDeps } from './startSweep.ts';
export { decideMove, explainBlob, type MoveDeps, type MoveReason, type MoveRun } from './moveBlob.ts';
export { type RunLimits, reserve, shardLimits } from './sweepBudget.ts';
export { type SweepDeps, sweepShard, TIER_POLICIES } from './sweepShard.ts';
export { type TransitionAnswer, type TransitionDeps, transitionReplica } from './transitionReplica.ts';
