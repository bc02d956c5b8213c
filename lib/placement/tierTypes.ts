import type { StorageClass } from '../shared/ids.ts';
import type { TierRules } from '../shared/tierSettings.ts';
import type { EpochMs, Usd } from '../shared/units.ts';
import type { ClassOutlook, DollarPolicy } from './dollarPolicy.ts';
import type { LifecyclePolicy } from './lifecyclePolicy.ts';
import type { PlainReason } from './packing.ts';
import type { TierFacts } from './tierFacts.ts';
import type { Temperature, TemperatureReason } from './tierRules.ts';

export type TierPolicy = TierRules | DollarPolicy | LifecyclePolicy;

/** Why nothing moves although the policy might want to. */
export type TierKeepReason =
  | 'already-there'
  | 'held'
  /** Dollars: it is held, and would go home if it were not: every read and every day there costs more than the way. */
  | 'held-at-a-loss'
  /** Rules: the object leaves for a cheaper class only when its minimum duration is over: until then both would be billed. */
  | 'minimum-duration'
  /** Rules: the class bills a minimum size that makes this object dearer there. */
  | 'below-class-minimum'
  /** Dollars: no class is expected to cost less, moving included. */
  | 'no-cheaper-class'
  /** Dollars: a class is expected to cost less, but what could be lost by it is not covered. */
  | 'allowance-spent'
  | LifecycleKeepReason;

export type LifecycleKeepReason =
  /** Its version is deleted, or will be by the end of the sweep. */
  'expires' | 'still-read';

export type TierMoveReason =
  | TemperatureReason
  /**
   * No restore ends in the time that was promised: from the archive that the rules name for it, so that it is kept cold instead, or from the
   * one that it lies in.
   */
  | 'restore-too-slow'
  /** Dollars: the class with the least expected dollars, moving included. */
  | 'cheaper'
  /** Dollars: what staying out of Intelligent-Tiering on a learned forecast may still lose is not covered any more. */
  | 'risk-ended'
  /** Dollars: by its reads, its class has cost as much more than home as the way there costs. */
  | 'fees-exceed-move'
  /** It is packed, and its readers were promised less than unpacking takes. */
  | 'promise'
  | LifecycleMoveReason;

export type LifecycleMoveReason =
  /** Archived, since it must be retained. */
  | 'abandoned'
  /** Archived, although its version could be deleted: nobody has allowed that. */
  | 'expiry-not-allowed'
  | 'rarely-read';

export type PackReason =
  /** Rules: it is large, gets much smaller, and nobody reads it. */
  | 'compressible'
  /** Dollars: packed it has the least expected dollars, packing included. */
  | 'cheaper-packed';

/** Why an object that could be packed stays as it is, or goes elsewhere as it is. */
export type NotPackedReason =
  | PlainReason
  /** Rules: not above `aboveBytes`, not below `belowRatio`, or not idle for long enough. */
  | 'small'
  | 'hardly-smaller'
  | 'not-idle'
  /** Rules: its class is paid for anyway until the minimum duration ends. */
  | 'minimum-duration'
  /** Dollars: packing does not pay, or pays only by reads that were learned and that nobody knows. */
  | 'costs-more'
  /** Dollars: it would pay by what is told of its reads, and not by those of the last month. */
  | 'read-unexpectedly'
  | 'reads-unknown';

/** One place that the object could be in, with what it costs. */
export interface TierAlternative {
  /** `pack` and `unpack` may also change the class; a `transition` leaves the bytes as they are, packed or not. */
  readonly action: 'keep' | 'transition' | 'pack' | 'unpack';
  readonly storageClass: StorageClass;
  /** Storage and reads of a month, the mean of the coming year at the rate of the last 30 days' reads of the bucket. */
  readonly usdPerMonth: Usd;
  /** Requests, retrieval and a worker's seconds of moving there now. */
  readonly moveUsd: Usd;
  /** What the class left behind still charges. */
  readonly earlyDeletionUsd: Usd;
  /** A restore must end before the object can move. */
  readonly needsRestore: boolean;
  /** Dollars until the next read or the horizon, which the dollar policy compares; absent where the class breaks the promise. */
  readonly outlook?: ClassOutlook | undefined;
}

/** The same without what depends on a policy. */
export type PricedPlace = Omit<TierAlternative, 'needsRestore' | 'outlook'>;

interface Explained {
  readonly digest: TierFacts['digest'];
  readonly from: StorageClass;
  readonly policyVersion: string;
  /** Rules only: what the object is taken for, and why. */
  readonly temperature?: Temperature;
  readonly temperatureReason?: TemperatureReason;
  /** When the object can leave its class without an early-deletion charge. */
  readonly freeMoveAt: EpochMs;
  /** Dollars: what must be reserved for the decision, where it rests on a learned forecast and not on Intelligent-Tiering. */
  readonly riskUsd?: Usd;
  /** Of an object that could be packed, and is not. */
  readonly notPacked?: NotPackedReason;
  /** The class that rules name for it, where the store has none such or the book prices none: the next one that is cheaper to read stands for it. */
  readonly missing?: StorageClass;
  /** The present place comes first, the others in the order of what the policy compares. */
  readonly alternatives: readonly TierAlternative[];
}

interface Moved {
  readonly to: StorageClass;
  readonly reason: TierMoveReason;
  /** The object is archived: a restore must end before it can be copied. */
  readonly needsRestore: boolean;
}

export type TierDecision =
  | (Explained & { readonly action: 'keep'; readonly reason: TierKeepReason })
  | (Explained & Moved & { readonly action: 'transition' })
  | (Explained & Moved & { readonly action: 'unpack' })
  | (Explained & {
      readonly action: 'pack';
      /** The present class, or another one that it enters packed. */
      readonly to: StorageClass;
      readonly reason: PackReason;
      readonly needsRestore: false;
      /** Part of its bytes that is saved, as estimated; nothing is lost by packing. */
      readonly saving: number;
      readonly risk: 'none';
      /** Packed ÷ original must turn out to be below it: above, packing does not pay. */
      readonly belowRatio: number;
    });

/** What a policy has chosen, before it is explained. */
export type TierChoice = { readonly notPacked?: NotPackedReason; readonly missing?: StorageClass } & (
  | { readonly action: 'keep'; readonly reason: TierKeepReason }
  | { readonly action: 'transition'; readonly to: StorageClass; readonly reason: TierMoveReason }
  | { readonly action: 'unpack'; readonly to: StorageClass; readonly reason: TierMoveReason }
  | { readonly action: 'pack'; readonly to: StorageClass; readonly reason: PackReason; readonly belowRatio: number }
);

export type TierMove = Exclude<TierDecision, { action: 'keep' }>;

/** The alternative that a decision has chosen. */
export function chosenAlternative(decision: TierDecision): TierAlternative | undefined {
  const { action, alternatives } = decision;
  if (action === 'keep') return alternatives.find((one) => one.action === 'keep');
  return alternatives.find((one) => one.action === action && one.storageClass === decision.to);
}
