import type { TierPolicyName } from '../../lib/shared/sweepMode.ts';

/** Which policies of storage classes have been in force, and until when. */
export interface PolicyHistory {
  begin(policy: TierPolicyName, at: number): void;
  /** From then on nothing is in force. */
  end(at: number): void;
  /** Whether a policy was in force at some moment from `since` on. */
  readonly inForceSince: (policy: TierPolicyName, since: number) => boolean;
  /** Whether what was in force has ended since then, and nothing came after it at once. */
  readonly wasEndedSince: (since: number) => boolean;
}

export function createPolicyHistory(): PolicyHistory {
  const terms: { readonly policy: TierPolicyName; until: number }[] = [];
  let ended = Number.NEGATIVE_INFINITY;
  const close = (at: number): void => {
    const last = terms.at(-1);
    if (last !== undefined) last.until = Math.min(last.until, at);
  };
  return {
    end(at) {
      close(at);
      ended = at;
    },
    begin(policy, at) {
      close(at);
      terms.push({ policy, until: Number.POSITIVE_INFINITY });
    },
    inForceSince: (policy, since) => terms.some((term) => term.policy === policy && term.until >= since),
    wasEndedSince: (since) => ended >= since,
  };
}
