import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';

/** Command: go on computing the digest of one pinned upload, then publish it. Repeated as often as time limits make necessary. */
export const DigestUpload = z.strictObject({
  schema: z.literal('digest-upload/1'),
  key: z.string().check(z.minLength(1), z.maxLength(1024)),
  versionId: z.string().check(z.minLength(1), z.maxLength(1024)),
  correlationId: CorrelationId,
  /** Grows with each continuation; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
});
export type DigestUpload = z.infer<typeof DigestUpload>;
