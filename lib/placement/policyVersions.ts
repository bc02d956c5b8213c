import type { TierPolicyName } from '../shared/sweepMode.ts';
import { DOLLARS } from './dollarPolicy.ts';
import { LIFECYCLE_RULES } from './lifecycleRules.ts';
import { TIER_RULES } from './tierRules.ts';

/**
 * The version of the code that decides by each policy, as receipts name it. It is raised with each change by which that code decides
 * otherwise of any object: a plane then moves and deletes nothing before it has looked at what the new one would do.
 */
export const POLICY_VERSIONS: Readonly<Record<TierPolicyName, string>> = {
  rules: TIER_RULES.version,
  dollars: DOLLARS.version,
  lifecycle: LIFECYCLE_RULES.version,
};

/** What releases decided by that noted no version. */
const UNNOTED: typeof POLICY_VERSIONS = { rules: 'rules-1', dollars: 'dollars-1', lifecycle: 'lifecycle-rules-1' };

/** Whether what was noted of a policy is what this code decides by it. */
export function isPresentVersion(policy: TierPolicyName, noted: string | undefined): boolean {
  return notedVersion(policy, noted) === POLICY_VERSIONS[policy];
}

export function notedVersion(policy: TierPolicyName, noted: string | undefined): string {
  return noted ?? UNNOTED[policy];
}
