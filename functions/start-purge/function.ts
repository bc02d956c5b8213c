import { declareFunction } from '../shared/declaration.ts';

export const startPurge = declareFunction({
  name: 'start-purge',
  purpose: 'Every 15 minutes: sends deleted versions whose undo window is over to their purge.',
  ifThisFails:
    'deleted versions keep their bytes, which costs a little money and nothing else; they can be undone until then. The next run makes up for it; see the function’s log.',
  triggers: [{ kind: 'schedule', schedule: 'purge', at: { everyMinutes: 15 } }],
  timeoutSeconds: 60,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
