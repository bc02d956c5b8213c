import { declareFunction } from '../shared/declaration.ts';

export const receipts = declareFunction({
  name: 'receipts',
  purpose: 'Ends commands by what hosts measured, and makes the catalog’s copies what was measured.',
  ifThisFails:
    'finished fills count as under way until the hosts’ next list of residents, and their room stays promised. See `strata dlq list receipts`, repair the cause, then `strata dlq redrive receipts`: receipts may come late and twice.',
  triggers: [
    { kind: 'queue', queue: 'receipts', batchSize: 10, maxReceiveCount: 5, maxConcurrency: 50, fromHosts: true },
  ],
  timeoutSeconds: 60,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
