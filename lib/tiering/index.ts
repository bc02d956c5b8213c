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
export { type SweepDeps, type SweepReason, sweepShard } from './sweepShard.ts';
export { type TransitionAnswer, type TransitionDeps, transitionReplica } from './transitionReplica.ts';
