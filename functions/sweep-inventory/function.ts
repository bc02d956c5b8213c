import { declareFunction } from '../shared/declaration.ts';

export const sweepInventory = declareFunction({
  name: 'sweep-inventory',
  purpose:
    'Analyses the blobs in some rows of the bucket’s inventory, where there are too many for a chain of messages, and begins what moves when all were analysed.',
  ifThisFails:
    'many blobs keep their storage class until the next day’s sweep, which costs a little money and nothing else. Look at the failed executions of the map run, repair the cause, then redrive the execution (`aws stepfunctions redrive-execution`): only failed batches run again.',
  triggers: [{ kind: 'inventory-map', rowsPerBatch: 500, mostAtOnce: 40, toleratedFailures: 1 }],
  timeoutSeconds: 120,
  memoryMb: 512,
  grants: ['catalog:read', 'catalog:write'],
});
