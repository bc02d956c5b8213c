export {
  decidePlacement,
  type HostFacts,
  type PlacementAction,
  type PlacementDecision,
  type PlacementFacts,
  type PublishedFile,
  SUBSCRIPTIONS,
  type SkipReason,
  subscribes,
  type SubscriptionPolicy,
} from './decidePlacement.ts';
export { decideTier, freeMoveAt, type TierAlternative, type TierDecision, type TierKeepReason } from './decideTier.ts';
export { type FetchPath, type MissCost, missCost } from './missCost.ts';
export { compileRates, type Rates } from './rates.ts';
export type { TierFacts } from './tierFacts.ts';
export { TIER_RULES, type Temperature, temperature, type TierRules } from './tierRules.ts';
