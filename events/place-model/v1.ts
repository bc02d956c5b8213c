import * as z from 'zod/mini';
import { CorrelationId, ModelName, SemVer } from '../../lib/shared/ids.ts';

/** Command: decide which hosts should hold this published version. */
export const PlaceModel = z.strictObject({
  schema: z.literal('place-model/1'),
  model: ModelName,
  version: SemVer,
  correlationId: CorrelationId,
});
export type PlaceModel = z.infer<typeof PlaceModel>;
