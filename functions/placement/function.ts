import { declareFunction } from '../shared/declaration.ts';

export const placement = declareFunction({
  name: 'placement',
  purpose: 'Decides which hosts hold which models and commands them; ends what older generations of a host left.',
  ifThisFails:
    'published models are not prefetched: the first inference on each host waits for the fetch. Nothing is lost. See `strata dlq list placement`, repair the cause, then `strata dlq redrive placement`.',
  triggers: [{ kind: 'queue', queue: 'placement', batchSize: 5, maxReceiveCount: 5, maxConcurrency: 20 }],
  timeoutSeconds: 120,
  memoryMb: 512,
  grants: ['catalog:read', 'catalog:write', 'command-key:read', 'manage:host-queues'],
});
