import { declareFunction } from '../shared/declaration.ts';

export const rescan = declareFunction({
  name: 'rescan',
  purpose:
    'Judges published blobs and uploads in quarantine again when the rules changed; withdraws what they no longer admit.',
  ifThisFails:
    'blobs that other rules judged are not served until they are judged again. Nothing is lost. See `strata dlq list rescan`, repair the cause, then `strata dlq redrive rescan`.',
  // So few at once: a re-scan must not take the room of new uploads, nor of their bucket.
  triggers: [{ kind: 'queue', queue: 'rescan', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 8 }],
  timeoutSeconds: 420,
  memoryMb: 1769,
  grants: ['catalog:read', 'catalog:write', 'uploads:read', 'blobs:read'],
});
