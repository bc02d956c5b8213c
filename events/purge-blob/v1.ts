import * as z from 'zod/mini';
import { CorrelationId, Digest } from '../../lib/shared/ids.ts';

/**
 * Command: take away a blob that no version has referred to for the time in which a withdrawn set can be pushed again, and finish a delete of
 * it that was begun.
 */
export const PurgeBlob = z.strictObject({
  schema: z.literal('purge-blob/1'),
  digest: Digest,
  correlationId: CorrelationId,
});
export type PurgeBlob = z.infer<typeof PurgeBlob>;
