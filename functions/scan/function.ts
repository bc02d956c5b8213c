import { declareFunction } from '../shared/declaration.ts';

export const scan = declareFunction({
  name: 'scan',
  purpose: 'Judges uploads whose verdict needs more bytes or time than a header, in as many calls as it takes.',
  ifThisFails:
    'large pickles and archives get no verdict and are not published; other uploads are not touched. Progress is kept. See `strata dlq list scan`, repair the cause, then `strata dlq redrive scan`.',
  triggers: [{ kind: 'queue', queue: 'scan', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 10 }],
  timeoutSeconds: 420,
  memoryMb: 1769,
  // One byte of a blob tells whether an upload is refused, or the whole bucket.
  grants: ['catalog:read', 'catalog:write', 'uploads:read', 'blobs:read'],
});
