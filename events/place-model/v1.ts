import * as z from 'zod/mini';
import { CorrelationId, HostId, ModelName, SemVer } from '../../lib/shared/ids.ts';

/** Command: decide which hosts should hold this published version. */
export const PlaceModel = z.strictObject({
  schema: z.literal('place-model/1'),
  model: ModelName,
  version: SemVer,
  correlationId: CorrelationId,
  /** Only this host: another try after a failure. */
  host: z.optional(HostId),
  attempt: z.optional(z.number().check(z.int(), z.positive())),
  /** Where to go on in the list of hosts, without a cursor at the beginning of a shard; absent at the start. */
  from: z.optional(
    z.strictObject({ shard: z.number().check(z.int(), z.nonnegative()), cursor: z.optional(z.string()) }),
  ),
});
export type PlaceModel = z.infer<typeof PlaceModel>;
