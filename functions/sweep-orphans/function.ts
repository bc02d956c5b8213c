import { declareFunction } from '../shared/declaration.ts';

export const sweepOrphans = declareFunction({
  name: 'sweep-orphans',
  purpose: 'Every day: compares blobs/ with the catalog and deletes the versions that no row has named for long.',
  ifThisFails:
    'copies that nobody uses stay and are paid for; nothing that is served is affected. A message that fails with `implausible` found a catalog that does not fit the bucket: set `orphanSweep` to `off`, see which of the two was replaced, and only then `strata dlq redrive sweep-orphans`.',
  triggers: [
    { kind: 'schedule', schedule: 'orphan-sweep', at: { dailyUtc: '04:00' } },
    { kind: 'queue', queue: 'sweep-orphans', batchSize: 1, maxReceiveCount: 5, maxConcurrency: 16 },
  ],
  timeoutSeconds: 300,
  memoryMb: 512,
  grants: ['catalog:read', 'catalog:write', 'blobs:read', 'blobs:list', 'blobs:delete'],
});
