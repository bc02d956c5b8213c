import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';

/** Command: look again at the versions that one sweep found to be deleted, a page at a time, and delete what still may be. */
export const ExpireVersions = z.strictObject({
  schema: z.literal('expire-versions/1'),
  runId: z.string(),
  cursor: z.optional(z.string()),
  correlationId: CorrelationId,
});
export type ExpireVersions = z.infer<typeof ExpireVersions>;
