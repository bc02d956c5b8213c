import { declareFunction } from '../shared/declaration.ts';

export const sealAudit = declareFunction({
  name: 'seal-audit',
  purpose: 'Every five minutes: locks new audit entries away, as seals that are chained to each other.',
  ifThisFails:
    'verdicts go on and are recorded, but what was recorded since the last seal is not locked: `seal-mismatch` or `entry-missing` in its log says that seals and catalog differ, so look before anything else at what `strata audit verify` names. The next run seals all that waits.',
  triggers: [{ kind: 'schedule', schedule: 'seal-audit', at: { everyMinutes: 5 } }],
  timeoutSeconds: 240,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write', 'seals:write'],
});
