import { declareFunction } from '../shared/declaration.ts';

export const moveListed = declareFunction({
  name: 'move-listed',
  purpose: 'Sets the move of one line of a plan’s manifest going, for jobs of S3 Batch Operations.',
  ifThisFails:
    'some moves of a plan are not made, which costs a little money and nothing else. The job’s report in the inventory bucket names each line and why; make a new plan of what is left.',
  triggers: [{ kind: 'batch-operations' }],
  timeoutSeconds: 60,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
