import * as z from 'zod/mini';

/** S3's EventBridge notification that a restored copy can be read, or that its days are over. It carries no sequencer. */
export const RestoreNotification = z.object({
  source: z.literal('aws.s3'),
  'detail-type': z.enum(['Object Restore Completed', 'Object Restore Expired']),
  id: z.string(),
  time: z.string(),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string(), 'version-id': z.optional(z.string()) }),
  }),
});
export type RestoreNotification = z.infer<typeof RestoreNotification>;
