import { declareFunction } from '../shared/declaration.ts';

export const transition = declareFunction({
  name: 'transition',
  purpose:
    'Moves the origin copy of one blob to another storage class, packs or unpacks it: copy, verify, switch, delete later.',
  ifThisFails:
    'blobs keep their storage class, or stay packed for longer than readers were told, or an old copy is paid for longer than needed; no copy that is served is ever deleted. See `strata dlq list transition`, repair the cause, then `strata dlq redrive transition`: every step may be repeated.',
  triggers: [{ kind: 'queue', queue: 'transition', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 10 }],
  timeoutSeconds: 420,
  // One whole CPU, which packing and unpacking need; a part of 64 MiB and its packing take a third of the memory.
  memoryMb: 1769,
  grants: ['catalog:read', 'catalog:write', 'blobs:read', 'blobs:write', 'blobs:delete'],
});
