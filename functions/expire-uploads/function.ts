import { declareFunction } from '../shared/declaration.ts';

export const expireUploads = declareFunction({
  name: 'expire-uploads',
  purpose:
    'Every hour: deletes the bytes under uploads/ that were published a while ago, or that no version got for long.',
  ifThisFails:
    'published models are stored twice and refused uploads stay, which costs money and nothing else. See the function’s log; the next run makes up for it.',
  triggers: [{ kind: 'schedule', schedule: 'expire-uploads', at: { everyMinutes: 60 } }],
  timeoutSeconds: 600,
  memoryMb: 512,
  grants: ['catalog:read', 'catalog:write', 'uploads:delete', 'blobs:read'],
});
