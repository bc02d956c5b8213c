import { declareFunction } from '../shared/declaration.ts';

export const startRescan = declareFunction({
  name: 'start-rescan',
  purpose:
    'Every 10 minutes: starts a re-scan of everything that other rules or another policy judged, when a deployment brought others or something was judged by others since the last re-scan.',
  ifThisFails:
    'after a deployment with other rules nothing that was judged before is served until a re-scan has started. The next run makes up for it, or `strata rescan`; see the function’s log.',
  triggers: [{ kind: 'schedule', schedule: 'rescan', at: { everyMinutes: 10 } }],
  timeoutSeconds: 30,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
