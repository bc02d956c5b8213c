import { declareFunction } from '../shared/declaration.ts';

export const startSweep = declareFunction({
  name: 'start-sweep',
  purpose: 'Every day: starts the sweep that decides the storage class of every blob.',
  ifThisFails:
    'no blob changes its storage class that day, which costs a little money and nothing else. The next day’s sweep makes up for it; see the function’s log and its dead-letter queue.',
  triggers: [{ kind: 'schedule', schedule: 'sweep', at: { dailyUtc: '03:00' } }],
  timeoutSeconds: 30,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write', 'inventory-sweeps:start'],
});
