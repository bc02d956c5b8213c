import * as z from 'zod/mini';

const Text = z.object({ S: z.string() });

/** A batch of the catalog table's DynamoDB stream (keys only). The embedded runtime makes the same envelope for new outbox rows. */
export const CatalogChanges = z.object({
  Records: z.array(
    z.object({
      eventName: z.enum(['INSERT', 'MODIFY', 'REMOVE']),
      dynamodb: z.object({ Keys: z.object({ pk: Text, sk: Text }) }),
    }),
  ),
});
export type CatalogChanges = z.infer<typeof CatalogChanges>;
