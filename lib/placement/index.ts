export {
  decidePlacement,
  type HostFacts,
  type PlacementAction,
  type PlacementDecision,
  type PlacementFacts,
  type PlacementPolicy,
  PLACEMENT_BY_DOLLARS,
  type PrefetchReason,
  type PublishedFile,
  SUBSCRIPTIONS,
  type SkipReason,
  subscribes,
  type SubscriptionPolicy,
} from './decidePlacement.ts';
export { decideTier } from './decideTier.ts';
export {
  chosenAlternative,
  type PackReason,
  type TierAlternative,
  type TierDecision,
  type TierKeepReason,
  type TierMove,
  type TierMoveReason,
  type TierPolicy,
} from './tierTypes.ts';
export { PACK_TERMS, type PackingFacts, type PackTerms, unpackUsd, unpackWaitMs } from './packing.ts';
export { dollarClass } from './dollarTier.ts';
export { floorUsd, lostUsd, readsOut, type Risk, type RiskAccount, slackUsd } from './riskAccount.ts';
export {
  decideFirst,
  firstAlternative,
  type FirstDecision,
  type FirstFacts,
  recordFirst,
  replayFirst,
} from './firstTier.ts';
export { explainTier } from './explainTier.ts';
export { receiptAlternative, recordTier, replayTier } from './tierReceipt.ts';
export { decideRestoredTier, type RestoredReason, type RestoredTier } from './restoredTier.ts';
export { type FetchPath, type MissCost, missCost } from './missCost.ts';
export { describePolicy } from './describePolicy.ts';
export { isPresentVersion, notedVersion, POLICY_VERSIONS } from './policyVersions.ts';
export { type PredictedReads, predictReads } from './predictReads.ts';
export { amongChosen, Chosen, chosenAmong, homeClass } from './classes.ts';
export { compileRates, type Rates } from './rates.ts';
export { BucketReads, type Expiry, freeMoveAt, idleMs, liabilityUsd, TierFacts, unreadMs } from './tierFacts.ts';
export { LIFECYCLE, lifecyclePolicy, type LifecyclePolicy } from './lifecyclePolicy.ts';
export { type Ending, endingOf } from './lifecycleTier.ts';
export { parseTierRules, TIER_RULES, type Temperature, temperature } from './tierRules.ts';
export type { Mechanics, MoveCosts, ObjectCosts } from './objectCosts.ts';
export { type ObjectHistory, offlineOptimum } from './optimum.ts';
export { isReadAtOnce } from './readAtOnce.ts';
export {
  type Bill,
  billUsd,
  emptyBill,
  type MovingPolicy,
  ObjectRun,
  type ObjectView,
  simulate,
  type StepPolicy,
} from './simulate.ts';
export {
  canRun,
  isPolicyName,
  type Known,
  POLICIES,
  type PolicyName,
  replay,
  type ReplayObject,
  replayOptimum,
  type ReplayResult,
  type ReplaySetup,
} from './replay.ts';
export { exposureUsd, READS_COVERED } from './allowance.ts';
export { earlyDeletionUsd, readUsd, storageUsd } from './bill.ts';
export { storageWithReadsUsd } from './storageWithReads.ts';
export { regretOfStay } from './wayHome.ts';
export { DOLLARS, type DollarPolicy, switchUsd } from './dollarPolicy.ts';
export {
  forecastFrom,
  type DemandForecast,
  type DemandMemory,
  type DemandPrior,
  knownRate,
  rememberReads,
} from './demand.ts';
export {
  judgeLifecycle,
  LIFECYCLE_RULES,
  parseLifecycleRules,
  type LifecycleFacts,
  type LifecycleJudgement,
} from './lifecycleRules.ts';
export { cumulativeCostPlot } from './costPlot.ts';
export { PlacementError } from './errors.ts';
export type { AccessRecord } from './log/accessRecord.ts';
export { Histories } from './log/histories.ts';
export { LogReader } from './log/logReader.ts';
export { RateMixture } from './rateMixture.ts';
export {
  envelopePlan,
  type GapBill,
  gapBill,
  gapOptimum,
  HOST_SPEEDS,
  type HostSpeeds,
  hostPlaces,
  type PlaceCosts,
  placeCosts,
  planResidency,
  type ResidencyPlan,
  type RestingPlace,
} from './residency.ts';
export { type ReplicaSet, type ReplicaSetCost, replicaSetCost } from './replicaSet.ts';
export { breaksPromise } from './promise.ts';
export { type ChosenRestore, chooseRestore, fasterFeeUsd, type Waiting } from './restore.ts';
export { TierPlan } from './tierPlan.ts';
export { caughtBy, type DiffFlow, placeName, placesOf, PolicyDiff, warms } from './policyDiff.ts';
export type { Knowledge, KnownFact } from './policies/policy.ts';
