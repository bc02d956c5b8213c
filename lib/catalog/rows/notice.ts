import * as z from 'zod/mini';
import { QuarantineChanged } from '../../../events/quarantine-changed/v1.ts';
import type { Change } from '../../shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../../shared/units.ts';
import { defineRow, sortableTime } from '../rowType.ts';

const KEPT_MS = 90 * DAY_MS;

/** An event for whoever follows the plane, kept for 90 days in the order of its time. */
export const NoticeValue = z.strictObject({
  /** Unique to the change that it tells of. */
  id: z.string(),
  at: EpochMs,
  event: QuarantineChanged,
  expiresAt: EpochMs,
});
export type Notice = z.infer<typeof NoticeValue>;

export const NoticeRow = defineRow({
  name: 'notice',
  schemaVersion: 1,
  schema: NoticeValue,
  key: (at: EpochMs, id: string) => ({ partition: `NOTICES#${dayOf(at)}`, sort: `${sortableTime(at)}#${id}` }),
  keyOf: (value): [EpochMs, string] => [value.at, value.id],
  expiresAt: (value) => value.expiresAt,
});

/** The partition's day: whole days since 1970, UTC. */
export function dayOf(at: EpochMs): number {
  return Math.floor(at / DAY_MS);
}

/** The change that tells of an event when its transaction commits. */
export function noticePut(id: string, event: QuarantineChanged): Change {
  const { at } = event;
  return NoticeRow.put({ id, at, event, expiresAt: EpochMs.parse(at + KEPT_MS) }, 'absent');
}
