import * as z from 'zod/mini';
import { FileRole, KeySegment, ModelKind } from '../../lib/shared/ids.ts';
import { Bytes } from '../../lib/shared/units.ts';

/** The metadata name that marks a file as one of a set, and the file that closes the set. */
export const SET_METADATA = 'strata-set';
export const SET_FILE = 'strata.json';
/** Grows each time that one of our own writes leads to another upload; a limit stops a loop. */
export const HOP_METADATA = 'strata-hop';

export const SetId = z.string().check(z.regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/));

/** `strata.json`: names every file of a version; written last by `strata push`. */
export const UploadSet = z.strictObject({
  schema: z.literal('strata-set/1'),
  set: SetId,
  files: z
    .array(
      z.strictObject({
        file: KeySegment,
        size: Bytes,
        role: z.optional(FileRole),
        kind: z.optional(ModelKind),
      }),
    )
    .check(z.minLength(1), z.maxLength(500)),
});
export type UploadSet = z.infer<typeof UploadSet>;
