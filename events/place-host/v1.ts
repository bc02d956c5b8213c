import * as z from 'zod/mini';
import { CorrelationId, Generation, HostId } from '../../lib/shared/ids.ts';

/** Command: decide what this host should hold, after it registered or its room changed. */
export const PlaceHost = z.strictObject({
  schema: z.literal('place-host/1'),
  host: HostId,
  generation: Generation,
  correlationId: CorrelationId,
  /** Where to go on in the list of models; absent at the start. */
  cursor: z.optional(z.string()),
});
export type PlaceHost = z.infer<typeof PlaceHost>;
