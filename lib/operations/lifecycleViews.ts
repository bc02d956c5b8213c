import * as z from 'zod/mini';
import { StageTally, SweepStage } from '../../events/sweep-shard/v1.ts';
import { PolicyReach, RestoreState, ServiceLevelTerms, ServiceLevelValue, TombstoneState } from '../catalog/index.ts';
import { Digest, KeySegment, Location, ModelName, SemVer, StorageClass } from '../shared/ids.ts';
import { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import { TierSettings } from '../shared/tierSettings.ts';
import { Bytes, EpochMs, Usd } from '../shared/units.ts';

// What operators see of where published bytes lie, and what becomes of them: flat, raw numbers, digests in full.

/** By what storage classes are judged, and why by that. */
export const JudgingView = z.object({
  policy: TierPolicyName,
  settings: TierSettings,
  /** `asked`: it is not what the plane decides by. `shipped`: nobody knows its settings yet. */
  basis: z.enum(['in-force', 'configured', 'asked', 'shipped']),
  /** Absent where the plane has not noted it yet. */
  sweep: z.optional(SweepMode),
  since: z.optional(EpochMs),
});

/** Where a stored file lies, by which rules, what reads are expected of it, and what a month of it is estimated to cost. */
export const StorageView = z.object({
  model: ModelName,
  version: SemVer,
  file: KeySegment,
  digest: Digest,
  /** The copy that every read comes from in the end. */
  primary: z.object({
    location: Location,
    versionId: z.string(),
    bytes: Bytes,
    storageClass: StorageClass,
    tier: z.string(),
  }),
  policy: z.object({
    name: TierPolicyName,
    version: z.string(),
    basis: JudgingView.shape.basis,
    since: z.optional(EpochMs),
    /** Whether sweeps carry it out; absent where the plane has not noted it yet. */
    sweep: z.optional(SweepMode),
    rules: z.array(z.string()),
  }),
  /** What an operator has said of the model's reads. */
  serviceLevel: z.optional(ServiceLevelTerms),
  /** Why the version is neither deleted nor moved, and until when it is not deleted. */
  hold: z.optional(z.string()),
  retainUntil: z.optional(EpochMs),
  /** What the policy decides now. */
  next: z.object({
    action: z.enum(['keep', 'transition', 'pack', 'unpack']),
    to: z.optional(StorageClass),
    reason: z.string(),
    /** From then on leaving the class charges nothing for its minimum duration. */
    freeAt: EpochMs,
  }),
  reads: z.object({
    basis: z.enum(['known', 'learned', 'assumed']),
    next30Days: z.number(),
    probability30Days: z.number(),
  }),
  /** Of a month at the expected reads; `hostUsd` is the rent of the copies that lie on hosts now. */
  cost: z.object({
    storageUsd: Usd,
    requestUsd: Usd,
    retrievalUsd: Usd,
    hostUsd: Usd,
    usdPerMonth: Usd,
    /** Owed where it leaves its class now; no part of the month. */
    liabilityUsd: Usd,
  }),
});
export type StorageView = z.infer<typeof StorageView>;

export const ServiceLevelView = ServiceLevelValue;

/** What sweeps decide storage classes by, and the change of it that waits. */
export const TierPolicyView = z.object({
  /** Absent before the first policy. */
  inForce: z.optional(TierPolicyName),
  settings: z.optional(TierSettings),
  /** Of the code that was looked at. */
  version: z.optional(z.string()),
  /** Whether sweeps decide by it; absent in older planes, which always do. Else nothing moves until the look has ended. */
  decides: z.optional(z.boolean()),
  since: EpochMs,
  wanted: z.optional(TierPolicyName),
  wantedSettings: z.optional(TierSettings),
  /** What the look has found so far. */
  reach: z.optional(PolicyReach),
  /** How far the look is: parts of all objects that it has ended, and how much of all of them lies behind it, from 0 to 1. */
  look: z.optional(
    z.object({ since: EpochMs, parts: z.number(), of: z.number(), place: z.number(), endsAt: z.optional(EpochMs) }),
  ),
  refusedAt: z.optional(EpochMs),
  refusedFor: z.optional(PolicyReach),
  acceptedBy: z.optional(z.string()),
});

/** One stage of a sweep: `shards` of `of` have ended it. */
const StageView = z.object({
  stage: SweepStage,
  shards: z.number(),
  of: z.number(),
  ...StageTally.shape,
  /** Of the shards that have ended it, the last one. */
  endedAt: z.optional(EpochMs),
});

/** A sweep that has looked at anything, or an applied plan that has set moves going. */
export const RunView = z.object({
  runId: z.string(),
  by: z.enum(['sweep', 'plan']),
  startedAt: EpochMs,
  /** Set going, restores that come before a move among them. */
  moves: z.number(),
  bytes: Bytes,
  /** Of its budget. */
  reservedUsd: Usd,
  budgetUsd: Usd,
  /** What its stages have done in the shards where they have ended; of a sweep over rows alone. */
  stages: z.optional(z.array(StageView)),
});
export type RunView = z.infer<typeof RunView>;

/** The way of an archived file back to a class that is read at once. */
export const RestoreView = z.object({
  digest: Digest,
  state: RestoreState,
  /** `unpack`: it is not archived, but packed. */
  tier: z.enum(['expedited', 'standard', 'bulk', 'unpack']),
  readyAt: EpochMs,
  /** Fee of what this call asked for; 0 for what was under way. */
  usd: Usd,
});

/** A deleted version. */
export const TombstoneView = z.object({
  model: ModelName,
  version: SemVer,
  state: TombstoneState,
  bytes: Bytes,
  deletedAt: EpochMs,
  /** Until then it can be undone, while it is `deleted`. */
  purgeAfter: EpochMs,
  purgedAt: z.optional(EpochMs),
  freedBytes: z.optional(Bytes),
  /** The bucket has another object than was judged: a person must look. */
  stuck: z.optional(z.object({ since: EpochMs, retryAt: EpochMs, digest: Digest, versionId: z.string() })),
});
export type TombstoneView = z.infer<typeof TombstoneView>;

/** A version that the lifecycle preset would delete: what that frees and saves, and what storage classes still charge once. */
export const ExpiryView = z.object({
  model: ModelName,
  version: SemVer,
  bytes: Bytes,
  usdPerMonth: Usd,
  earlyDeletionUsd: Usd,
  reason: z.string(),
  risk: z.string(),
});
export type ExpiryView = z.infer<typeof ExpiryView>;

export const ExpiryRunView = z.object({
  runId: z.string(),
  state: z.enum(['found', 'ended']),
  foundAt: EpochMs,
  versions: z.number(),
  bytes: Bytes,
  savedUsdPerMonth: Usd,
  earlyDeletionUsd: Usd,
});

/** A stored file whose readers would wait longer than a promise says, and how sweeps bring it back. */
export const BrokenPromiseView = z.object({
  model: ModelName,
  version: SemVer,
  file: KeySegment,
  digest: Digest,
  bytes: Bytes,
  storageClass: StorageClass,
  action: z.enum(['keep', 'transition', 'pack', 'unpack']),
  to: z.optional(StorageClass),
  reason: z.string(),
  /** Of the restore and of the move after it; 0 where it stays. */
  usd: Usd,
  /** From its begin until it can be read. */
  restoreMs: z.number(),
  policy: TierPolicyName,
  /** Whether sweeps do it; absent where nobody knows. */
  sweep: z.optional(SweepMode),
});
export type BrokenPromiseView = z.infer<typeof BrokenPromiseView>;
