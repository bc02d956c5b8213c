import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';

/** Command: look at a page of one part of all blobs under the policy of storage classes in force and under the one that is wanted. */
export const LookAtPolicy = z.strictObject({
  schema: z.literal('look-at-policy/1'),
  /** Of the change that is looked at; it is passed over where another one waits by now. */
  lookId: z.string(),
  part: z.number().check(z.int(), z.nonnegative()),
  /** The page to go on from. */
  cursor: z.optional(z.string()),
  correlationId: CorrelationId,
});
export type LookAtPolicy = z.infer<typeof LookAtPolicy>;
