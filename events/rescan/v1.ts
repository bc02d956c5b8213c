import * as z from 'zod/mini';
import { CorrelationId, Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';

const rescanId = z.string().check(z.minLength(1), z.maxLength(200));
/** Where a paused judgement goes on. */
const progress = z.optional(z.string());

/** Command: have one page judged again, of the blobs of one shard or of the uploads in quarantine. */
export const RescanPage = z.strictObject({
  schema: z.literal('rescan-page/1'),
  rescanId,
  of: z.enum(['blobs', 'quarantine']),
  shard: z.number().check(z.int(), z.nonnegative()),
  cursor: z.optional(z.string()),
  /** Also what the rules and the policy of today have judged already. */
  all: z.boolean(),
  correlationId: CorrelationId,
});
export type RescanPage = z.infer<typeof RescanPage>;

/** Command: judge the bytes of one blob again, or go on with it. */
export const RescanBlob = z.strictObject({
  schema: z.literal('rescan-blob/1'),
  rescanId,
  digest: Digest,
  /** Grows with each continuation; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
  progress,
  correlationId: CorrelationId,
  /** It was brought back from where nobody could read it: once it is judged, hosts get the versions that they want of it. */
  place: z.optional(z.literal(true)),
});
export type RescanBlob = z.infer<typeof RescanBlob>;

/** Command: judge one upload in quarantine again, or go on with it. */
export const RescanUpload = z.strictObject({
  schema: z.literal('rescan-upload/1'),
  rescanId,
  key: z.string().check(z.minLength(1), z.maxLength(1024)),
  versionId: z.string().check(z.minLength(1), z.maxLength(1024)),
  hop: z.number().check(z.int(), z.nonnegative()),
  progress,
  correlationId: CorrelationId,
});
export type RescanUpload = z.infer<typeof RescanUpload>;

/** Command: make one version what the verdicts on its files say. */
export const AlignVersion = z.strictObject({
  schema: z.literal('align-version/1'),
  model: ModelName,
  version: SemVer,
  correlationId: CorrelationId,
});
export type AlignVersion = z.infer<typeof AlignVersion>;
