import { declareFunction } from '../shared/declaration.ts';

export const watchRestores = declareFunction({
  name: 'watch-restores',
  purpose: 'Every 15 minutes: has restores looked after whose event did not come.',
  ifThisFails:
    'a restore whose event was lost is not finished, and its readers wait; others are not affected. The next run makes up for it; see the function’s log.',
  triggers: [{ kind: 'schedule', schedule: 'restores', at: { everyMinutes: 15 } }],
  timeoutSeconds: 60,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
