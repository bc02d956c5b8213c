import { declareFunction } from '../shared/declaration.ts';

export const digest = declareFunction({
  name: 'digest',
  purpose: 'Computes the digest of judged uploads, copies them to blobs/<digest> and publishes their versions.',
  ifThisFails:
    'uploads stay in the state `digesting` and no new version is published. Progress is kept. See `strata dlq list digest`, repair the cause, then `strata dlq redrive digest`.',
  triggers: [{ kind: 'queue', queue: 'digest', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 20 }],
  timeoutSeconds: 420,
  memoryMb: 1769,
  grants: ['catalog:read', 'catalog:write', 'uploads:read', 'blobs:read', 'blobs:write', 'blobs:delete'],
});
