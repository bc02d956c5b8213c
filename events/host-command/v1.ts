import * as z from 'zod/mini';
import {
  ActionId,
  CorrelationId,
  Digest,
  FileRole,
  Generation,
  HostId,
  KeySegment,
  ModelKind,
  ModelName,
  SemVer,
  StorageClass,
} from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';

/** How a blob appears in the `models/` view of a host. */
export const ViewEntry = z.strictObject({
  model: ModelName,
  version: SemVer,
  file: KeySegment,
  kind: ModelKind,
  role: FileRole,
  publishedAt: EpochMs,
});
export type ViewEntry = z.infer<typeof ViewEntry>;

/** The pinned object that holds a blob's bytes, and the storage class that it lay in then: what reading it again will cost. Told by protocol 3. */
export const Origin = z.strictObject({
  key: z.string(),
  versionId: z.string(),
  storageClass: z.optional(StorageClass),
});
export type Origin = z.infer<typeof Origin>;

const Prefetch = z.strictObject({
  type: z.literal('prefetch'),
  digest: Digest,
  size: Bytes,
  origin: Origin,
  entries: z.array(ViewEntry).check(z.maxLength(50)),
});
const Pin = z.strictObject({ type: z.literal('pin'), digest: Digest });
const Unpin = z.strictObject({ type: z.literal('unpin'), digest: Digest });
const Evict = z.strictObject({ type: z.literal('evict'), digest: Digest });
/** Recompute the digest from the bytes on disk. */
const Verify = z.strictObject({ type: z.literal('verify'), digest: Digest });
/** Stop taking fills and leases; evict what is not leased. */
const Drain = z.strictObject({ type: z.literal('drain') });
const Resize = z.strictObject({ type: z.literal('resize'), capacityBytes: Bytes });
/** Send a heartbeat that lists every resident blob. */
const Report = z.strictObject({ type: z.literal('report') });

export const Command = z.discriminatedUnion('type', [Prefetch, Pin, Unpin, Evict, Verify, Drain, Resize, Report]);
export type Command = z.infer<typeof Command>;
export const CommandType = z.enum(['prefetch', 'pin', 'unpin', 'evict', 'verify', 'drain', 'resize', 'report']);
export type CommandType = z.infer<typeof CommandType>;
export type CommandOf<Type extends CommandType> = Extract<Command, { type: Type }>;

/** An action for one host in one generation; travels in a `SignedEnvelope` on the host's own queue. */
export const HostCommand = z.strictObject({
  schema: z.literal('host-command/1'),
  actionId: ActionId,
  host: HostId,
  generation: Generation,
  issuedAt: EpochMs,
  expiresAt: EpochMs,
  correlationId: CorrelationId,
  command: Command,
});
export type HostCommand = z.infer<typeof HostCommand>;
