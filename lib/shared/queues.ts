import * as z from 'zod/mini';

/** The queues that functions consume; each has a dead-letter queue of its own. Hosts' queues are named by `hostQueue`. */
export const FunctionQueue = z.enum([
  'ingest',
  'scan',
  'rescan',
  'digest',
  'placement',
  'receipts',
  'heartbeats',
  'accesses',
  'sweep',
  'sweep-orphans',
  'transition',
  'purge',
  'restore',
]);
export type FunctionQueue = z.infer<typeof FunctionQueue>;
