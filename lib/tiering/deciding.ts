import { canonicalJson, type Json } from '../shared/canonicalJson.ts';
import { notedVersion, POLICY_VERSIONS } from '../placement/index.ts';
import type { TierPolicyName } from '../shared/sweepMode.ts';
import type { TierSettings } from '../shared/tierSettings.ts';

/** What decides storage classes: a policy, with what operators have set of it. */
export interface Deciding {
  readonly policy: TierPolicyName;
  readonly settings: TierSettings;
  /** Of the policy's code; absent: that of this release. */
  readonly version?: string;
}

/** What was noted, in the version that it was noted in. */
export function noted(policy: TierPolicyName, settings: TierSettings, version: string | undefined): Deciding {
  return { policy, settings, version: notedVersion(policy, version) };
}

/** Whether both decide the same of every object. Settings of a policy that does not decide make no difference. */
export function decidesAlike(one: Deciding, other: Deciding): boolean {
  return canonicalJson(whatCounts(one)) === canonicalJson(whatCounts(other));
}

function whatCounts({ policy, settings, version = POLICY_VERSIONS[policy] }: Deciding): Json {
  const { lifecycleDeletes, lifecycleRules, packAboveBytes, packBelowRatio, tierPacking, tierRules } = settings;
  const priceBook = settings.priceBook ?? null;
  const packing = tierPacking === 'on' ? { packAboveBytes, packBelowRatio } : null;
  switch (policy) {
    case 'rules':
      return { policy, version, packing, priceBook, tierRules };
    case 'dollars':
      return { policy, version, packing, priceBook };
    case 'lifecycle':
      return { policy, version, packing, priceBook, lifecycleRules, lifecycleDeletes };
  }
}

/** What an older release, which noted no settings, has decided by: it knew of no price book of an operator. */
export function withoutBook(settings: TierSettings): TierSettings {
  const { priceBook: _, ...rest } = settings;
  return rest;
}

/** What is in force, without what is switched off by now: that waits for nobody. */
export function easedBy(present: TierSettings, wanted: TierSettings): TierSettings {
  return {
    ...present,
    lifecycleDeletes: wanted.lifecycleDeletes === 'on' ? present.lifecycleDeletes : wanted.lifecycleDeletes,
    tierPacking: wanted.tierPacking === 'on' ? present.tierPacking : wanted.tierPacking,
  };
}
