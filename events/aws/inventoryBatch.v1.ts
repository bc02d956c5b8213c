import * as z from 'zod/mini';
import { CorrelationId } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';

const LastModifiedDate = z.pipe(z.pipe(z.iso.datetime(), z.transform(Date.parse)), EpochMs);
const Size = z.pipe(z.pipe(z.string(), z.transform(Number)), Bytes);

/**
 * What a Distributed Map hands to the function of its children: some rows of an S3 Inventory, and what is common to all batches of the
 * run (`ItemBatcher.BatchInput`). Keys are URL-encoded and numbers are text, as in the inventory's CSV.
 * Source: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
 */
export const InventoryBatch = z.object({
  BatchInput: z.strictObject({ sweepId: z.string(), scheduledAt: EpochMs, correlationId: CorrelationId }),
  Items: z.array(z.object({ Bucket: z.string(), Key: z.string(), Size, LastModifiedDate })),
});
export type InventoryBatch = z.infer<typeof InventoryBatch>;
