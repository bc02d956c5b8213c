import * as z from 'zod/mini';
import { CorrelationId, ModelName, SemVer } from '../../lib/shared/ids.ts';

/** Command: take the bytes of a deleted version away, now that it can no longer be undone. */
export const PurgeVersion = z.strictObject({
  schema: z.literal('purge-version/1'),
  model: ModelName,
  version: SemVer,
  correlationId: CorrelationId,
  /** Grows with each wait for hosts that still hold a file of it; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
});
export type PurgeVersion = z.infer<typeof PurgeVersion>;
