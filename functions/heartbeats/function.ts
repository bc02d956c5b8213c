import { declareFunction } from '../shared/declaration.ts';

export const heartbeats = declareFunction({
  name: 'heartbeats',
  purpose: 'Believes what hosts measure of themselves: their room, and which blobs they hold.',
  ifThisFails:
    'hosts count as silent after a while and nothing more is placed on them; what they hold stays and serves. See `strata dlq list heartbeats` for refused reports, repair the cause; the next heartbeats make up for the lost ones, so nothing needs redriving.',
  triggers: [
    { kind: 'queue', queue: 'heartbeats', batchSize: 10, maxReceiveCount: 5, maxConcurrency: 50, fromHosts: true },
  ],
  timeoutSeconds: 120,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write', 'command-key:read'],
});
