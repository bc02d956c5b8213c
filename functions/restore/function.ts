import { declareFunction } from '../shared/declaration.ts';

export const restore = declareFunction({
  name: 'restore',
  purpose: 'Brings one archived blob back: asks the bucket for a restored copy, and has it copied when it can be read.',
  ifThisFails:
    'archived models stay unreadable for longer than readers were told, or a restore is paid for twice; nothing is lost. See `strata dlq list restore`, repair the cause, then `strata dlq redrive restore`: every step may be repeated.',
  triggers: [
    {
      kind: 'queue',
      queue: 'restore',
      batchSize: 1,
      maxReceiveCount: 5,
      maxConcurrency: 10,
      objectEvents: { detailTypes: ['Object Restore Completed', 'Object Restore Expired'], keyPrefix: 'blobs/' },
    },
  ],
  timeoutSeconds: 30,
  memoryMb: 256,
  grants: ['catalog:read', 'catalog:write', 'blobs:read', 'blobs:restore'],
});
