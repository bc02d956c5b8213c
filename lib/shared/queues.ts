import * as z from 'zod/mini';

/** Ends the name of every dead-letter queue, on both runtimes. */
export const DEAD_LETTER_SUFFIX = '-dlq';

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
