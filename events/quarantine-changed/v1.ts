import * as z from 'zod/mini';
import { CorrelationId, Digest, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { EpochMs } from '../../lib/shared/units.ts';

/**
 * Event: an upload or a published version changed sides. `quarantined`: an upload was refused; `withdrawn`: a published version
 * may no longer be served; `restored`: it may again; `releasable`: the rules of today would admit an upload in quarantine;
 * `released`: an operator had it published.
 */
export const QuarantineChanged = z.strictObject({
  schema: z.literal('quarantine-changed/1'),
  change: z.enum(['quarantined', 'withdrawn', 'restored', 'releasable', 'released']),
  at: EpochMs,
  /** The upload; absent where a published version is meant. */
  upload: z.optional(z.strictObject({ key: z.string(), versionId: z.string() })),
  model: z.optional(ModelName),
  version: z.optional(SemVer),
  digest: z.optional(Digest),
  reason: z.string(),
  text: z.string(),
  /** The operator who did it. */
  by: z.optional(z.string()),
  correlationId: CorrelationId,
});
export type QuarantineChanged = z.infer<typeof QuarantineChanged>;
