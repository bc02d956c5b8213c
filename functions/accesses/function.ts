import { declareFunction } from '../shared/declaration.ts';

export const accesses = declareFunction({
  name: 'accesses',
  purpose: 'Counts how often hosts opened which blobs, each batch once.',
  ifThisFails:
    'models look less used than they are, so that the daily sweep may move them to a colder class too early. See `strata dlq list accesses`, repair the cause, then `strata dlq redrive accesses`: batches count once.',
  triggers: [
    { kind: 'queue', queue: 'accesses', batchSize: 10, maxReceiveCount: 5, maxConcurrency: 20, fromHosts: true },
  ],
  timeoutSeconds: 60,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
