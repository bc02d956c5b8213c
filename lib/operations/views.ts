import * as z from 'zod/mini';
import { AuditEntry } from '../../events/audit-seal/v1.ts';
import { VolumeReport } from '../../events/host-heartbeat/v1.ts';
import { QuarantineChanged } from '../../events/quarantine-changed/v1.ts';
import {
  ActionValue,
  AliasValue,
  Compressibility,
  HostState,
  TombstoneState,
  ReplicaState,
  ServiceLevelTerms,
  ServiceLevelValue,
  PolicyReach,
  RestoreState,
  UploadState,
  UploadValue,
  VerdictStatus,
} from '../catalog/index.ts';
import {
  Digest,
  FileRole,
  Generation,
  HostId,
  HostPattern,
  KeySegment,
  Location,
  ModelKind,
  ModelName,
  SemVer,
  StorageClass,
} from '../shared/ids.ts';
import { JoinTokenId } from '../fleet/index.ts';
import { SweepMode, TierPolicyName } from '../shared/sweepMode.ts';
import { Bytes, EpochMs, Usd } from '../shared/units.ts';

// What operators see: flat, raw numbers, digests in full. People's formatting is the CLI's business.

export const ModelView = z.object({ name: ModelName, newest: SemVer, versions: z.number(), updatedAt: EpochMs });
export type ModelView = z.infer<typeof ModelView>;

export const VersionView = z.object({
  model: ModelName,
  version: SemVer,
  publishedAt: EpochMs,
  deprecated: z.boolean(),
  files: z.number(),
  bytes: Bytes,
  /** Why it is under a legal hold. */
  hold: z.optional(z.string()),
  retainUntil: z.optional(EpochMs),
});
export type VersionView = z.infer<typeof VersionView>;

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

/** What sweeps decide storage classes by, and the change of it that waits. */
export const TierPolicyView = z.object({
  inForce: TierPolicyName,
  since: EpochMs,
  wanted: z.optional(TierPolicyName),
  /** What the sweep that looks has found so far. */
  reach: z.optional(PolicyReach),
  refusedAt: z.optional(EpochMs),
  refusedFor: z.optional(PolicyReach),
  acceptedBy: z.optional(z.string()),
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
});
export type TombstoneView = z.infer<typeof TombstoneView>;

export const AliasView = AliasValue;
export type AliasView = z.infer<typeof AliasView>;

export const ReplicaView = z.object({
  location: Location,
  state: ReplicaState,
  bytes: Bytes,
  pinned: z.boolean(),
  checkedAt: EpochMs,
});

export const FileView = z.object({
  model: ModelName,
  version: SemVer,
  file: KeySegment,
  role: FileRole,
  kind: ModelKind,
  digest: Digest,
  size: Bytes,
  /** Absent where the catalog has lost the blob: `doctor` says more. */
  blob: z.optional(
    z.object({
      verdict: VerdictStatus,
      format: z.string(),
      family: z.optional(z.string()),
      parameters: z.optional(z.number()),
      /** Tensor bytes by dtype. */
      dtypes: z.optional(z.record(z.string(), z.number())),
      compressibility: z.optional(Compressibility),
      tier: z.string(),
      storageClass: StorageClass,
      /** What the origin takes in the bucket where it is packed. */
      packedBytes: z.optional(Bytes),
      sha256: z.optional(z.string()),
    }),
  ),
  replicas: z.array(ReplicaView),
});
export type FileView = z.infer<typeof FileView>;

export const ShownModel = z.object({
  model: ModelView,
  aliases: z.array(AliasView),
  versions: z.array(VersionView),
  /** Of the version that was asked for, or of the newest. */
  files: z.array(FileView),
});
export type ShownModel = z.infer<typeof ShownModel>;

export const UploadView = UploadValue;
export type UploadView = z.infer<typeof UploadView>;
export const UploadStateView = UploadState;

export const InspectedUpload = z.object({
  /** Absent where no object is current under the key. */
  current: z.optional(z.object({ versionId: z.string(), size: Bytes, set: z.optional(z.string()) })),
  /** The catalog's row of that version, as soon as it has one. */
  upload: z.optional(UploadView),
});
export type InspectedUpload = z.infer<typeof InspectedUpload>;

export const NoticeView = z.object({ id: z.string(), ...QuarantineChanged.shape });
export type NoticeView = z.infer<typeof NoticeView>;

/** `sealed`: whether a locked seal holds it. */
export const AuditEntryView = z.extend(AuditEntry, { sealed: z.boolean() });

const count = z.number().check(z.int(), z.nonnegative());
export const AuditVerification = z.object({
  seals: count,
  objects: count,
  entries: count,
  unsealed: count,
  broken: z.optional(z.object({ what: z.string(), object: z.optional(z.string()), number: count, text: z.string() })),
});

export const ActionView = ActionValue;
export type ActionView = z.infer<typeof ActionView>;

export const HostView = z.object({
  id: HostId,
  generation: Generation,
  state: HostState,
  zone: z.optional(z.string()),
  labels: z.record(z.string(), z.string()),
  subscriptions: z.array(z.string()),
  capacityBytes: Bytes,
  usedBytes: Bytes,
  reservedBytes: Bytes,
  volumeFreeBytes: Bytes,
  volumes: z.optional(z.array(VolumeReport)),
  /** Whoever is silent now drains when it is back. */
  drainAsked: z.optional(z.boolean()),
  heartbeatAt: EpochMs,
});
export type HostView = z.infer<typeof HostView>;

export const DeadLetterView = z.object({ queue: z.string(), sources: z.array(z.string()), messages: z.number() });
export type DeadLetterView = z.infer<typeof DeadLetterView>;

export const ShownDeadLetterView = z.object({
  queue: z.string(),
  messageId: z.string(),
  /** Of a host's command: the host's queue. */
  source: z.optional(z.string()),
  /** JSON where it is that; secrets, signatures and rights to presigned URLs are taken out. */
  body: z.unknown(),
});

/** What is known of a join token without the token. */
const JoinTokenTermsView = { id: JoinTokenId, hosts: HostPattern, uses: z.number(), expiresAt: EpochMs };
/** The token stands nowhere else. */
export const JoinTokenView = z.object({ token: z.string(), ...JoinTokenTermsView });
export const KnownJoinTokenView = z.object({ ...JoinTokenTermsView, usedBy: z.array(HostId) });

export const ServiceLevelView = ServiceLevelValue;

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
    /** Whether sweeps carry it out; absent where the caller does not know the plane's settings. */
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

/** A sweep, or an applied plan, that has set moves going. */
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
});
export type RunView = z.infer<typeof RunView>;

export const DoctorCheck = z.object({
  check: z.string(),
  status: z.enum(['PASSED', 'FAILED']),
  detail: z.string(),
  /** What to do about it. */
  fix: z.optional(z.string()),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;

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
