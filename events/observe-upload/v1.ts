import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';

/** Command: look at one key of the bucket again. A reconciler sends it where the store's own event was lost or had no effect. */
export const ObserveUpload = z.strictObject({
  schema: z.literal('observe-upload/1'),
  key: z.string().check(z.minLength(1), z.maxLength(1024)),
  correlationId: CorrelationId,
});
export type ObserveUpload = z.infer<typeof ObserveUpload>;
