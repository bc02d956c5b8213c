import * as z from 'zod/mini';
import { CorrelationId, Generation, HostId } from '../../lib/shared/ids.ts';

/** Command: stop believing what a host's older generations, or its silent one, left in the catalog; drop the queue that is dead. */
export const FenceHost = z.strictObject({
  schema: z.literal('fence-host/1'),
  host: HostId,
  generation: Generation,
  correlationId: CorrelationId,
  /** Where to go on in the list of the host's replicas; absent at the start. */
  cursor: z.optional(z.string()),
});
export type FenceHost = z.infer<typeof FenceHost>;
