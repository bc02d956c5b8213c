import * as z from 'zod/mini';
import { InventoryBatch } from './inventoryBatch.v1.ts';

/** What the state machine of a sweep over the inventory hands to its function when every batch was called: the run that the batches had in common. */
export const InventoryEnd = z.strictObject({ EndOf: InventoryBatch.shape.BatchInput });
export type InventoryEnd = z.infer<typeof InventoryEnd>;
