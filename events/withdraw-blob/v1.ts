import * as z from 'zod/mini';
import { CorrelationId, Digest } from '../../lib/shared/ids.ts';

/** Command: have every host evict a blob that may no longer be served, a page of copies at a time. */
export const WithdrawBlob = z.strictObject({
  schema: z.literal('withdraw-blob/1'),
  digest: Digest,
  cursor: z.optional(z.string()),
  /** Grows each time that hosts are asked again; a limit stops a loop. */
  hop: z.number().check(z.int(), z.nonnegative()),
  correlationId: CorrelationId,
});
export type WithdrawBlob = z.infer<typeof WithdrawBlob>;
