import { declareFunction } from '../shared/declaration.ts';

export const ingest = declareFunction({
  name: 'ingest',
  purpose:
    'Takes in what happens under uploads/: orders it, judges headers, starts digests, withdraws what was deleted.',
  ifThisFails:
    'new uploads get no verdict and are not published. Nothing is lost: the reconciler tells of them again every 10 minutes. See `strata dlq list ingest`, repair the cause, then `strata dlq redrive ingest`.',
  triggers: [
    {
      kind: 'queue',
      queue: 'ingest',
      // A file that kills the scanner must take no other upload's message into the dead-letter queue with it.
      batchSize: 1,
      maxReceiveCount: 5,
      maxConcurrency: 50,
      objectEvents: { detailTypes: ['Object Created', 'Object Deleted'], keyPrefix: 'uploads/' },
    },
  ],
  timeoutSeconds: 60,
  memoryMb: 512,
  // One byte of a blob tells whether an upload is refused, or the whole bucket.
  grants: ['catalog:read', 'catalog:write', 'uploads:read', 'blobs:read'],
});
