import * as z from 'zod/mini';
import { Digest } from '../../shared/ids.ts';
import { EpochMs } from '../../shared/units.ts';
import { defineRow } from '../rowType.ts';

/** A copy to `blobs/<digest>` that takes several calls. Gone when it has ended; one that nobody goes on with expires. */
export const CopyValue = z.strictObject({
  digest: Digest,
  /** `publish`, or the id of the action that it is made for. */
  purpose: z.string(),
  /** The store's name of it. */
  resume: z.string(),
  /** Of a copy that was packed or unpacked and has ended: how many of its parts were read back and are right. */
  checked: z.optional(z.strictObject({ versionId: z.string(), parts: z.number().check(z.int(), z.nonnegative()) })),
  startedAt: EpochMs,
  expiresAt: EpochMs,
});

export const CopyRow = defineRow({
  name: 'copy under way',
  schemaVersion: 1,
  schema: CopyValue,
  key: (digest: Digest, purpose: string) => ({ partition: `BLOB#${digest}`, sort: `COPY#${purpose}` }),
  keyOf: (value): [Digest, string] => [value.digest, value.purpose],
  expiresAt: (value) => value.expiresAt,
});
