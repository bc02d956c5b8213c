import * as z from 'zod/mini';

const Detail = z.object({
  bucket: z.object({ name: z.string() }),
  object: z.object({
    key: z.string(),
    size: z.optional(z.number()),
    etag: z.optional(z.string()),
    'version-id': z.optional(z.string()),
    sequencer: z.optional(z.string()),
  }),
  'deletion-type': z.optional(z.enum(['Delete Marker Created', 'Permanently Deleted'])),
});

/** S3's EventBridge notification of a created object (PutObject, CopyObject, CompleteMultipartUpload). */
export const ObjectCreated = z.object({
  source: z.literal('aws.s3'),
  'detail-type': z.literal('Object Created'),
  id: z.string(),
  time: z.string(),
  detail: Detail,
});
export type ObjectCreated = z.infer<typeof ObjectCreated>;

export const ObjectDeleted = z.object({
  source: z.literal('aws.s3'),
  'detail-type': z.literal('Object Deleted'),
  id: z.string(),
  time: z.string(),
  detail: Detail,
});
export type ObjectDeleted = z.infer<typeof ObjectDeleted>;

export const UploadNotification = z.discriminatedUnion('detail-type', [ObjectCreated, ObjectDeleted]);
export type UploadNotification = z.infer<typeof UploadNotification>;
