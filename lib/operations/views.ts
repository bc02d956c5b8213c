import * as z from 'zod/mini';
import { AuditEntry } from '../../events/audit-seal/v1.ts';
import { QuarantineChanged } from '../../events/quarantine-changed/v1.ts';
import {
  ActionValue,
  AliasValue,
  Compressibility,
  HostValue,
  ReplicaState,
  UploadState,
  UploadValue,
  VerdictStatus,
} from '../catalog/index.ts';
import { JoinTokenId } from '../fleet/index.ts';
import {
  Digest,
  FileRole,
  HostId,
  HostPattern,
  KeySegment,
  Location,
  ModelKind,
  ModelName,
  SemVer,
  StorageClass,
} from '../shared/ids.ts';
import { Bytes, EpochMs } from '../shared/units.ts';

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

/** As the catalog has it, without what only the plane and the host need of each other. */
export const HostView = z.object(
  z.pick(HostValue, {
    id: true,
    generation: true,
    state: true,
    zone: true,
    labels: true,
    subscriptions: true,
    capacityBytes: true,
    usedBytes: true,
    reservedBytes: true,
    volumeFreeBytes: true,
    volumes: true,
    drainAsked: true,
    heartbeatAt: true,
  }).shape,
);
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

export const DoctorCheck = z.object({
  check: z.string(),
  status: z.enum(['PASSED', 'FAILED']),
  detail: z.string(),
  /** What to do about it. */
  fix: z.optional(z.string()),
});
export type DoctorCheck = z.infer<typeof DoctorCheck>;
