import { declareFunction } from '../shared/declaration.ts';

export const relay = declareFunction({
  name: 'relay',
  purpose: 'Sends the messages that state changes left in the outbox, then deletes them there.',
  ifThisFails:
    'nothing moves: no digest, no placement, no command leaves the catalog. The rows stay and are sent by the sweep of the next minute that succeeds. See its errors for the queue that cannot be reached.',
  triggers: [{ kind: 'outbox-stream' }, { kind: 'schedule', schedule: 'relay-sweep', at: { everyMinutes: 1 } }],
  timeoutSeconds: 60,
  memoryMb: 512,
  grants: ['catalog:read', 'catalog:write', 'send:function-queues', 'send:host-queues'],
});
