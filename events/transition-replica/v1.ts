import * as z from 'zod/mini';
import { ActionId, CorrelationId, Digest, StorageClass } from '../../lib/shared/ids.ts';

/** Command: move the origin copy of a blob to another storage class: copy → verify → switch → delete. */
export const TransitionReplica = z.strictObject({
  schema: z.literal('transition-replica/1'),
  actionId: ActionId,
  digest: Digest,
  from: z.strictObject({ storageClass: StorageClass, versionId: z.string() }),
  to: StorageClass,
  correlationId: CorrelationId,
  /** How many calls have worked on the copy before this one; absent for the first. */
  calls: z.optional(z.number().check(z.int(), z.positive())),
  /** Grows with each wait for the old copy's last readers; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
});
export type TransitionReplica = z.infer<typeof TransitionReplica>;
