import { declareFunction } from '../shared/declaration.ts';

export const sweep = declareFunction({
  name: 'sweep',
  purpose:
    'Decides the storage class of one page of blobs by their use, and sends the transitions; looks at what a change of the policy would do; adds what a sweep over the inventory has seen to the dollars accounts.',
  ifThisFails:
    'some blobs keep their storage class until the next day’s sweep, which costs a little money and nothing else. See `strata dlq list sweep`, repair the cause, then `strata dlq redrive sweep`.',
  triggers: [{ kind: 'queue', queue: 'sweep', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 64 }],
  timeoutSeconds: 120,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
