import * as z from 'zod/mini';
import { ActionId, CorrelationId, Digest, OriginEncoding, StorageClass } from '../../lib/shared/ids.ts';

/** Command: move the origin copy of a blob to another storage class, pack or unpack it: copy → verify → switch → delete. */
export const TransitionReplica = z.strictObject({
  schema: z.literal('transition-replica/1'),
  actionId: ActionId,
  digest: Digest,
  from: z.strictObject({ storageClass: StorageClass, versionId: z.string() }),
  to: StorageClass,
  /** How the copy holds the bytes; absent: as its source does. Where it is not as the source does, the bytes are packed or unpacked. */
  encoding: z.optional(OriginEncoding),
  /** Of a copy that is packed: its bytes ÷ the blob's must be less, else the origin stays and the blob's row says what was measured. */
  belowRatio: z.optional(z.number().check(z.positive(), z.maximum(1))),
  correlationId: CorrelationId,
  /** How many calls have worked on the copy before this one; absent for the first. */
  calls: z.optional(z.number().check(z.int(), z.positive())),
  /** Grows with each wait for the old copy's last readers; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
});
export type TransitionReplica = z.infer<typeof TransitionReplica>;
