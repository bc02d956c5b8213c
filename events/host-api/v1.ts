import * as z from 'zod/mini';
import {
  Digest,
  FileRole,
  Generation,
  HostId,
  KeySegment,
  ModelKind,
  ModelName,
  SemVer,
} from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';
import { Origin } from '../host-command/v1.ts';

/**
 * What an agent and the plane can speak; the plane answers the highest that both know, or refuses. Since 2, sessions tell the prices that the
 * plane decides by; since 3, origins tell their storage class, and receipts what moved to a host's SSD and why.
 */
export const PROTOCOL_VERSIONS = [1, 2, 3] as const;

const PublicKey = z.string().check(z.regex(/^[A-Za-z0-9_-]{43}$/));

/** `POST /v1/hosts` (the caller's IAM identity names the host) and `POST /v1/hosts/join` (join token). */
export const RegisterHost = z.strictObject({
  protocols: z.array(z.number()).check(z.minLength(1), z.maxLength(16)),
  host: HostId,
  joinToken: z.optional(z.string().check(z.maxLength(200))),
  /** Raw Ed25519 public key, base64url: what this generation's receipts are checked with. */
  publicKey: PublicKey,
  zone: z.optional(z.string().check(z.maxLength(64))),
  labels: z
    .record(z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$/)), z.string().check(z.maxLength(128)))
    .check(z.refine((labels) => Object.keys(labels).length <= 64, 'At most 64 labels.')),
  /** Model names, a trailing `*` allowed. */
  subscriptions: z.array(z.string().check(z.regex(/^[a-z0-9._-]{0,128}\*?$/), z.minLength(1))).check(z.maxLength(200)),
  capacityBytes: Bytes,
});
export type RegisterHost = z.infer<typeof RegisterHost>;

/**
 * `POST /v1/hosts/rejoin`, in a `SignedEnvelope` by the key of the generation that ends: how a host outside EC2 comes back after a
 * restart, its join token being spent. It works once, since it names that generation.
 */
export const RejoinHost = z.strictObject({
  schema: z.literal('rejoin-host/1'),
  host: HostId,
  generation: Generation,
  at: EpochMs,
  registration: RegisterHost,
});
export type RejoinHost = z.infer<typeof RejoinHost>;

/** Short-lived rights to the host's own queue, the reports queues and `blobs/*`. */
export const HostCredentials = z.strictObject({
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
  sessionToken: z.string(),
  expiresAt: EpochMs,
});
export type HostCredentials = z.infer<typeof HostCredentials>;

const CommandKey = z.strictObject({ keyId: z.string(), publicKey: PublicKey });

export const HostSession = z.strictObject({
  protocol: z.number(),
  host: HostId,
  generation: Generation,
  queue: z.string(),
  credentials: HostCredentials,
  /** Keys that commands may be signed with now; an older one is kept while it rotates out. */
  commandKeys: z.array(CommandKey).check(z.minLength(1)),
  heartbeatSeconds: z.number().check(z.positive()),
  /** Price books, JSON, in the order in which they answer; only to hosts that speak protocol 2 or later, and absent where nobody knows them. */
  prices: z.optional(z.string().check(z.maxLength(500_000))),
});
export type HostSession = z.infer<typeof HostSession>;

/** `POST /v1/hosts/refresh` and `POST /v1/resolve` carry a `SignedEnvelope` over one of these. */
export const RefreshSession = z.strictObject({
  schema: z.literal('refresh-session/1'),
  host: HostId,
  generation: Generation,
  at: EpochMs,
});
export type RefreshSession = z.infer<typeof RefreshSession>;

export const ResolveModel = z.strictObject({
  schema: z.literal('resolve-model/1'),
  host: HostId,
  generation: Generation,
  at: EpochMs,
  model: ModelName,
  /** A version, an alias or a range. */
  reference: z.string().check(z.minLength(1), z.maxLength(128)),
});
export type ResolveModel = z.infer<typeof ResolveModel>;

/** The same by content: answered by one published version that has a file of this digest, with only such files. */
export const ResolveBlob = z.strictObject({
  schema: z.literal('resolve-blob/1'),
  host: HostId,
  generation: Generation,
  at: EpochMs,
  digest: Digest,
});
export type ResolveBlob = z.infer<typeof ResolveBlob>;

export const ResolveRequest = z.discriminatedUnion('schema', [ResolveModel, ResolveBlob]);
export type ResolveRequest = z.infer<typeof ResolveRequest>;

export const ResolvedModel = z.strictObject({
  model: ModelName,
  version: SemVer,
  publishedAt: EpochMs,
  files: z.array(
    z.strictObject({
      file: KeySegment,
      role: FileRole,
      kind: ModelKind,
      digest: Digest,
      size: Bytes,
      origin: Origin,
    }),
  ),
});
export type ResolvedModel = z.infer<typeof ResolvedModel>;

/** RFC 9457, with a code from a closed list and what to do. */
export const Problem = z.object({
  status: z.number(),
  code: z.enum([
    'unknown-model',
    'unknown-version',
    'unknown-blob',
    'not-servable',
    'archived',
    'restores-limited',
    'unauthenticated',
    'clock-skew',
    'stale-generation',
    'host-not-allowed',
    'name-in-use',
    'bad-request',
    'unsupported-protocol',
    'internal',
  ]),
  title: z.string(),
  hint: z.string(),
  retryAfterSeconds: z.optional(z.number()),
  /** What is wrong with which field of the request. */
  errors: z.optional(z.array(z.object({ field: z.string(), message: z.string() }))),
  /** Of an archived model: when it is expected to be readable. */
  readyAt: z.optional(EpochMs),
  /** With `clock-skew`: the moment that the host signed, and the plane's. */
  clocks: z.optional(z.object({ host: EpochMs, plane: EpochMs })),
});
export type Problem = z.infer<typeof Problem>;
