import type { TierPolicyName } from '../../lib/shared/sweepMode.ts';

/** Which policies of storage classes have been in force, and until when. */
export interface PolicyHistory {
  begin(policy: TierPolicyName, at: number): void;
  /** Whether a policy was in force at some moment from `since` on; until the first sweep the configured one is. */
  readonly inForceSince: (policy: TierPolicyName, since: number) => boolean;
}

export function createPolicyHistory(): PolicyHistory {
  const terms: { readonly policy: TierPolicyName; until: number }[] = [];
  return {
    begin(policy, at) {
      const last = terms.at(-1);
      if (last !== undefined) last.until = at;
      terms.push({ policy, until: Number.POSITIVE_INFINITY });
    },
    inForceSince: (policy, since) =>
      terms.length === 0 || terms.some((term) => term.policy === policy && term.until >= since),
  };
}
