import * as z from 'zod/mini';
import { SetId, UploadSet } from '../../../events/upload-set/v1.ts';
import { PartCrc32c, PartHash } from '../../shared/digest.ts';
import { CorrelationId, Digest, KeySegment, ModelKind, ModelName, SemVer } from '../../shared/ids.ts';
import { Bytes, EpochMs } from '../../shared/units.ts';
import { defineRow, shardOf, sortableTime } from '../rowType.ts';
import { Compressibility } from './compressibility.ts';
import { HeaderFindings } from './verdict.ts';

export const UPLOAD_SHARDS = 8;

/**
 * observed → digesting → ready, or quarantined; cancelled when the object was deleted or replaced before it was ready.
 * `ready`: judged clean, digest known, bytes copied to `blobs/<digest>` and verified. Whether its version is published is
 * the version row's business.
 */
export const UploadState = z.enum(['observed', 'digesting', 'ready', 'quarantined', 'cancelled']);
export type UploadState = z.infer<typeof UploadState>;

/** The newest notification of one key. `deleted` is a tombstone that beats any older put. */
export const UploadHeadValue = z.strictObject({
  key: z.string(),
  sequencer: z.string(),
  versionId: z.optional(z.string()),
  deleted: z.boolean(),
});
export type UploadHead = z.infer<typeof UploadHeadValue>;

export const UploadHeadRow = defineRow({
  name: 'upload head',
  schemaVersion: 1,
  schema: UploadHeadValue,
  key: (key: string) => ({ partition: `UPLOAD#${key}`, sort: 'HEAD' }),
  keyOf: (value): [string] => [value.key],
});

export const QuarantineReason = z.enum([
  'bad-key',
  'invalid-format',
  'malicious',
  'suspicious',
  'unscannable',
  'immutable-version',
  'not-in-set',
  'size-differs-from-set',
  'invalid-set',
  'hop-limit',
  'too-large',
  'policy',
  'releasable',
]);
export type QuarantineReason = z.infer<typeof QuarantineReason>;

/** Why the uploaded bytes are not needed any more. */
export const RemovalReason = z.enum(['published', 'purged', 'cancelled', 'never-published', 'quarantined-for-long']);
export type RemovalReason = z.infer<typeof RemovalReason>;

/** One version of one uploaded object. */
export const UploadValue = z.strictObject({
  key: z.string(),
  versionId: z.string(),
  state: UploadState,
  size: Bytes,
  etag: z.string(),
  /** Absent where the key has no `uploads/<name>/<semver>/<file>` form; such an upload is quarantined. */
  target: z.optional(z.strictObject({ model: ModelName, version: SemVer, file: KeySegment })),
  /** Absent for a complete one-file version. */
  set: z.optional(SetId),
  correlationId: CorrelationId,
  observedAt: EpochMs,
  /** When the state or the hop last changed: an open upload that stands still for long is told again by the reconciler. */
  movedAt: EpochMs,
  /** Of the digest message that carries the upload on now; an older one has no effect. */
  hop: z.number().check(z.int(), z.nonnegative()),
  /** How many scans were begun and counted, at its hop. */
  scans: z.optional(z.number()),
  /** When the last of them was. */
  scanCountedAt: z.optional(EpochMs),
  /**
   * Of an open upload: since when the store refuses its bytes to the plane and lets other bytes in the bucket be read
   * (`deniedUpload.ts`); gone once they were read, or others were refused as well.
   */
  deniedSince: z.optional(EpochMs),
  /** Present while a judgement takes more calls than one: the hop of its message, and where it goes on. */
  scan: z.optional(
    z.strictObject({ hop: z.number().check(z.int(), z.nonnegative()), progress: z.optional(z.string()) }),
  ),
  findings: z.optional(HeaderFindings),
  digest: z.optional(Digest),
  /** Of a ready upload. */
  compressibility: z.optional(Compressibility),
  quarantine: z.optional(z.strictObject({ reason: QuarantineReason, text: z.string() })),
  /** Its bytes under `uploads/` are being deleted, or are gone (`done`): nothing can be done with it from then on. */
  removal: z.optional(z.strictObject({ at: EpochMs, reason: RemovalReason, done: z.boolean() })),
});
export type Upload = z.infer<typeof UploadValue>;

/** Whether the upload still waits for its verdict or its digest. */
export function isOpen(upload: Upload): boolean {
  return upload.state === 'observed' || upload.state === 'digesting';
}

const NO_TIME = EpochMs.parse(0);

export const UploadRow = defineRow({
  name: 'upload',
  schemaVersion: 1,
  schema: UploadValue,
  key: (key: string, versionId: string) => ({ partition: `UPLOAD#${key}`, sort: `VERSION#${versionId}` }),
  keyOf: (value): [string, string] => [value.key, value.versionId],
  index: (value) => {
    // A bad key may be longer than a sort key; an index needs no more of it than tells two uploads of one moment apart.
    const name = value.key.slice(0, 200);
    const listing = { partition: `UPLOADS#${value.state}`, sort: `${sortableTime(value.observedAt)}#${name}` };
    const shard = shardOf(value.key, UPLOAD_SHARDS);
    // A removal that has begun is finished by the next run.
    const sort = `${sortableTime(value.removal === undefined ? value.movedAt : NO_TIME)}#${name}`;
    if (isOpen(value)) return { listing, due: { partition: `DUE#UPLOAD#${shard}`, sort } };
    if (value.removal?.done === true) return { listing };
    // Both wait for the deletion of their bytes, which are kept longer where no version got them.
    if (value.state === 'ready') return { listing, due: { partition: `DUE#READY#${shard}`, sort } };
    return { listing, due: { partition: `DUE#REFUSED#${shard}`, sort } };
  },
});

/** Hashes of up to 1,000 consecutive parts of one object version, so that a long digest resumes where it stopped. */
export const PARTS_PER_ROW = 1_000;
export const UploadPartsValue = z.strictObject({
  key: z.string(),
  versionId: z.string(),
  /** Index of the first part in this row, a multiple of `PARTS_PER_ROW`. */
  first: z.number().check(z.int(), z.nonnegative()),
  hashes: z.array(PartHash).check(z.maxLength(PARTS_PER_ROW)),
  /** Of the same parts. Rows of earlier releases have none. */
  crc32c: z.optional(z.array(PartCrc32c).check(z.maxLength(PARTS_PER_ROW))),
  /** The manifest holds them in the end; until then a digest may pause for so long. */
  expiresAt: EpochMs,
});
export type UploadParts = z.infer<typeof UploadPartsValue>;

export const UploadPartsRow = defineRow({
  name: 'upload parts',
  schemaVersion: 1,
  schema: UploadPartsValue,
  key: (key: string, versionId: string, first: number) => ({
    partition: `UPLOAD#${key}`,
    sort: `PARTS#${versionId}#${String(first).padStart(6, '0')}`,
  }),
  keyOf: (value): [string, string, number] => [value.key, value.versionId, value.first],
  expiresAt: (value) => value.expiresAt,
});

/** A piece of what a paused judgement needs to go on with the same bytes, by the rules that began it. */
export const ScanProgressValue = z.strictObject({
  /** Of the judged object: an upload, or a blob. */
  key: z.string(),
  versionId: z.string(),
  /** SHA-256 of the whole: concurrent calls never mix their pieces. */
  progress: z.string(),
  piece: z.number().check(z.int(), z.nonnegative()),
  pieces: z.number().check(z.int(), z.positive()),
  /** Base64. */
  bytes: z.string(),
  expiresAt: EpochMs,
});

export const ScanProgressRow = defineRow({
  name: 'scan progress',
  schemaVersion: 1,
  schema: ScanProgressValue,
  key: (key: string, versionId: string, progress: string, piece: number) => ({
    partition: `UPLOAD#${key}`,
    sort: `SCAN#${versionId}#${progress}#${String(piece).padStart(4, '0')}`,
  }),
  keyOf: (value): [string, string, string, number] => [value.key, value.versionId, value.progress, value.piece],
  expiresAt: (value) => value.expiresAt,
});

/** A received `strata.json`. The set's version is published when every file of it is ready. */
export const UploadSetValue = z.strictObject({
  model: ModelName,
  version: SemVer,
  manifest: UploadSet,
  correlationId: CorrelationId,
  receivedAt: EpochMs,
});
export type ReceivedSet = z.infer<typeof UploadSetValue>;

export const UploadSetRow = defineRow({
  name: 'upload set',
  schemaVersion: 1,
  schema: UploadSetValue,
  key: (model: ModelName, version: SemVer, set: string) => ({
    partition: `MODEL#${model}`,
    sort: `SET#${version}#${set}`,
  }),
  keyOf: (value): [ModelName, SemVer, string] => [value.model, value.version, value.manifest.set],
});

/** A ready file of a set, waiting for the rest of it. */
export const SetFileValue = z.strictObject({
  model: ModelName,
  version: SemVer,
  set: SetId,
  file: KeySegment,
  /** Of the uploaded object. */
  versionId: z.string(),
  digest: Digest,
  size: Bytes,
  kind: ModelKind,
});
export type SetFile = z.infer<typeof SetFileValue>;

export const SetFileRow = defineRow({
  name: 'set file',
  schemaVersion: 1,
  schema: SetFileValue,
  key: (model: ModelName, version: SemVer, set: string, file: string) => ({
    partition: `MODEL#${model}`,
    sort: `SETFILE#${version}#${set}#${file}`,
  }),
  keyOf: (value): [ModelName, SemVer, string, string] => [value.model, value.version, value.set, value.file],
});
