import * as z from 'zod/mini';
import { ActionId, Digest } from '../../shared/ids.ts';
import { Bytes, EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/** `bytes`: a version of `blobs/<digest>`; `manifest`: one of `blobs/<digest>.parts`. */
export const OrphanObject = z.enum(['bytes', 'manifest']);
export type OrphanObject = z.infer<typeof OrphanObject>;

/**
 * A version of an object under `blobs/` that no row names: condemned → deleting → gone (the row expires a day later), or spared
 * (the row is deleted) when something names it again. Whoever is about to name a version writes on the absence of this row,
 * or deletes it while it is only condemned, so a version that is being deleted is never named and one that is named never
 * deleted.
 */
export const OrphanValue = z.strictObject({
  digest: Digest,
  object: OrphanObject,
  versionId: z.string(),
  state: z.enum(['condemned', 'deleting']),
  /** What was judged: nothing else is deleted under this version id. */
  etag: z.string(),
  size: Bytes,
  condemnedAt: EpochMs,
  /** The delete that it is part of, which ends when all that it condemned is gone; absent of what a sweep has found. */
  actionId: z.optional(ActionId),
  /** By then nobody is still about to delete the version, or to name it. */
  expiresAt: EpochMs,
});
export type Orphan = z.infer<typeof OrphanValue>;

export const OrphanRow = defineRow({
  name: 'orphan',
  schemaVersion: 1,
  schema: OrphanValue,
  key: (digest: Digest, object: OrphanObject, versionId: string) => ({
    partition: `BLOB#${digest}`,
    sort: `ORPHAN#${object}#${versionId}`,
  }),
  keyOf: (value): [Digest, OrphanObject, string] => [value.digest, value.object, value.versionId],
  expiresAt: (value) => value.expiresAt,
});
