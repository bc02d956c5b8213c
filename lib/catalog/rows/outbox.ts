import * as z from 'zod/mini';
import type { Json } from '../../shared/canonicalJson.ts';
import { canonicalJson } from '../../shared/canonicalJson.ts';
import type { Change } from '../../shared/ports/catalogStore.ts';
import { EpochMs } from '../../shared/units.ts';
import { defineRow, shardOf, sortableTime } from '../rowType.ts';

export const OUTBOX_SHARDS = 8;

/** A message that is part of a state change: written in the same transaction, sent and deleted by the relay. */
export const OutboxValue = z.strictObject({
  id: z.string(),
  queue: z.string(),
  body: z.string(),
  createdAt: EpochMs,
  delaySeconds: z.optional(z.number()),
});
export type OutboxMessage = z.infer<typeof OutboxValue>;

export const OutboxRow = defineRow({
  name: 'outbox message',
  schemaVersion: 1,
  schema: OutboxValue,
  key: (id: string, createdAt: EpochMs) => ({
    partition: `OUTBOX#${shardOf(id, OUTBOX_SHARDS)}`,
    sort: `${sortableTime(createdAt)}#${id}`,
  }),
  keyOf: (value): [string, EpochMs] => [value.id, value.createdAt],
});

/**
 * The change that sends `message` to `queue` when its transaction commits.
 * `id` must be unique to the effect: the same id at the same moment makes the whole transaction conflict.
 */
export function outboxPut(
  message: { readonly id: string; readonly queue: string; readonly body: Json; readonly delaySeconds?: number },
  now: EpochMs,
): Change {
  const { body, ...rest } = message;
  return OutboxRow.put({ ...rest, body: canonicalJson(body), createdAt: now }, 'absent');
}
