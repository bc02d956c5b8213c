import * as z from 'zod/mini';
import { CorrelationId, ModelName, SemVer } from '../../lib/shared/ids.ts';

/** Command: take the bytes of a deleted version away, now that it can no longer be undone. What waits for hosts is sent again. */
export const PurgeVersion = z.strictObject({
  schema: z.literal('purge-version/1'),
  model: ModelName,
  version: SemVer,
  correlationId: CorrelationId,
});
export type PurgeVersion = z.infer<typeof PurgeVersion>;
