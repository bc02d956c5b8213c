import { declareFunction } from '../shared/declaration.ts';

export const reap = declareFunction({
  name: 'reap',
  purpose: 'Every minute: calls hosts silent that were not heard, and ends commands that nobody answered.',
  ifThisFails:
    'silent hosts keep counting as active, so new models wait for hosts that are gone, and room promised to lost commands stays promised. See the function’s log; the next run makes up for the missed ones.',
  triggers: [{ kind: 'schedule', schedule: 'reap', at: { everyMinutes: 1 } }],
  timeoutSeconds: 60,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write'],
});
