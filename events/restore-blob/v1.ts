import * as z from 'zod/mini';
import { ActionId, CorrelationId, Digest } from '../../lib/shared/ids.ts';

/** Command: ask the bucket for a readable copy of one archived origin version, or look how far that has come. */
export const RestoreBlob = z.strictObject({
  schema: z.literal('restore-blob/1'),
  actionId: ActionId,
  digest: Digest,
  versionId: z.string(),
  correlationId: CorrelationId,
});
export type RestoreBlob = z.infer<typeof RestoreBlob>;
