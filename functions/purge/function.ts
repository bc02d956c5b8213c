import { declareFunction } from '../shared/declaration.ts';

export const purge = declareFunction({
  name: 'purge',
  purpose: 'Takes the bytes of one deleted version away, when no version refers to them and no host holds them.',
  ifThisFails:
    'a deleted version keeps some of its bytes, which costs a little money; nothing that anybody refers to is deleted. See `strata dlq list purge`, repair the cause, then `strata dlq redrive purge`: every step may be repeated.',
  triggers: [{ kind: 'queue', queue: 'purge', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 10 }],
  timeoutSeconds: 120,
  memoryMb: 256,
  grants: [
    'catalog:read',
    'catalog:write',
    'blobs:read',
    'blobs:delete',
    'uploads:read',
    'uploads:delete',
    'command-key:read',
  ],
});
