import * as z from 'zod/mini';
import { ModelName } from '../shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../shared/units.ts';

/** What nobody has read for so long, and is no younger, seems not to be needed at once. */
export const UNREAD_MS = 30 * DAY_MS;

/**
 * Where bytes lie that somebody pays for. `origin`: what every read comes from; `replaced`: what a transition has left behind and will
 * delete; `restored`: the readable copy of an archived origin; `host`: on a volume of a host; under `uploads/`: `arriving` until it is
 * judged, `uploaded` when its bytes are stored under `blobs/` as well, `refused` while it is in quarantine.
 */
export const CopyKind = z.enum(['origin', 'replaced', 'restored', 'host', 'arriving', 'uploaded', 'refused']);
export type CopyKind = z.infer<typeof CopyKind>;

const amount = z.number().check(z.nonnegative());

/** One copy with its dollars a month. */
export const StoredCopy = z.object({
  kind: CopyKind,
  /** A storage class, or a tier of hosts: what the price is for. */
  tier: z.string(),
  /** Of copies under `blobs/`. */
  region: z.optional(z.string()),
  host: z.optional(z.string()),
  bytes: Bytes,
  storageUsd: Usd,
  requestUsd: Usd,
  retrievalUsd: Usd,
  liabilityUsd: Usd,
  freeAt: z.optional(EpochMs),
});
export type StoredCopy = z.infer<typeof StoredCopy>;

/** A blob with all of its copies, or an upload whose bytes are still under `uploads/`. */
export const StoredObject = z.object({
  /** Digest, or uploaded key. */
  name: z.string(),
  bytes: Bytes,
  /** Each once. */
  models: z.array(ModelName),
  /** Versions that need it. */
  references: z.number().check(z.int(), z.nonnegative()),
  /** Reads of the bucket in the last 30 days. */
  reads: amount,
  /** Compressed ÷ original, where it was measured and the bytes are no younger than the reads that are counted. */
  ratio: z.optional(z.number()),
  copies: z.array(StoredCopy),
});
export type StoredObject = z.infer<typeof StoredObject>;
