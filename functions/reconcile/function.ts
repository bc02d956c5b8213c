import { declareFunction } from '../shared/declaration.ts';

export const reconcile = declareFunction({
  name: 'reconcile',
  purpose: 'Compares catalog and bucket: tells again of uploads that stand still or were never told, repairs blobs.',
  ifThisFails:
    'lost events and interrupted uploads stay as they are until it runs again; what is published is not affected. It runs every 10 minutes and goes on where it stopped.',
  triggers: [{ kind: 'schedule', schedule: 'reconcile-uploads', at: { everyMinutes: 10 } }],
  timeoutSeconds: 600,
  memoryMb: 1024,
  grants: [
    'catalog:read',
    'catalog:write',
    'uploads:read',
    'uploads:list',
    'blobs:read',
    'blobs:write',
    'blobs:delete',
    'send:function-queues',
  ],
});
