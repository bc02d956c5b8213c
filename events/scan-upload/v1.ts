import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';

/** Command: go on judging one pinned upload whose verdict needs more than one call. */
export const ScanUpload = z.strictObject({
  schema: z.literal('scan-upload/1'),
  key: z.string().check(z.minLength(1), z.maxLength(1024)),
  versionId: z.string().check(z.minLength(1), z.maxLength(1024)),
  correlationId: CorrelationId,
  /** Grows with each continuation; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
});
export type ScanUpload = z.infer<typeof ScanUpload>;
