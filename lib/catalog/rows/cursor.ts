import * as z from 'zod/mini';
import { EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/** How far a scan that takes many runs has come. Without a place the next run begins anew. */
export const CursorValue = z.strictObject({
  scan: z.string(),
  shard: z.number().check(z.int(), z.nonnegative()),
  cursor: z.optional(z.string()),
  movedAt: EpochMs,
  /** When the pass that is under way began, and the last one that came to its end. */
  began: z.optional(EpochMs),
  lastBegan: z.optional(EpochMs),
});
export type Cursor = z.infer<typeof CursorValue>;

export const CursorRow = defineRow({
  name: 'cursor',
  schemaVersion: 1,
  schema: CursorValue,
  key: (scan: string) => ({ partition: `CURSOR#${scan}`, sort: 'META' }),
  keyOf: (value): [string] => [value.scan],
});
