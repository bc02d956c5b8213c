import * as z from 'zod/mini';
import {
  ActionId,
  CorrelationId,
  Digest,
  HostId,
  Location,
  ModelName,
  type OriginEncoding,
  SemVer,
  StorageClass,
} from '../../shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../../shared/units.ts';
import { defineRow, shardOf, sortableTime } from '../rowType.ts';
import { Compressibility } from './compressibility.ts';
import { HeaderFindings } from './verdict.ts';

export const SWEEP_SHARDS = 16;

/** Immutable content and where its origin copy is served from now. */
export const BlobValue = z.strictObject({
  digest: Digest,
  size: Bytes,
  partSize: Bytes,
  /** Of the whole file, where it is known (a blob of one part). */
  sha256: z.optional(z.string()),
  findings: HeaderFindings,
  /** Absent on what was stored before it was measured, until its next re-scan. */
  compressibility: z.optional(Compressibility),
  createdAt: EpochMs,
  origin: z.strictObject({
    location: Location,
    storageClass: StorageClass,
    versionId: z.string(),
    /** Start of the minimum storage duration of this class. */
    billedSince: EpochMs,
    /** The object does not hold the blob's own bytes, but these, of a packed file: to be unpacked before anybody reads it. */
    packed: z.optional(z.strictObject({ encoding: z.literal('byteplane-zstd-1'), bytes: Bytes })),
  }),
  tier: z.enum(['hot', 'warm', 'cold', 'archive']),
  previousTier: z.optional(z.enum(['hot', 'warm', 'cold', 'archive'])),
  transitionedAt: z.optional(EpochMs),
  /** Since then no version refers to it, although none was deleted: an unpublished set that had it was withdrawn. */
  unreferencedAt: z.optional(EpochMs),
});
export type Blob = z.infer<typeof BlobValue>;

/** What lies in the bucket and is paid for: of a packed origin fewer bytes than the blob has. */
export function storedBytes({ size, origin }: Pick<Blob, 'size' | 'origin'>): Bytes {
  return origin.packed?.bytes ?? size;
}

export function originEncoding({ packed }: Blob['origin']): OriginEncoding {
  return packed?.encoding ?? 'identity';
}

export const BlobRow = defineRow({
  name: 'blob',
  schemaVersion: 1,
  schema: BlobValue,
  key: (digest: Digest) => ({ partition: `BLOB#${digest}`, sort: 'META' }),
  keyOf: (value): [Digest] => [value.digest],
  index: (value) => {
    const shard = shardOf(value.digest, SWEEP_SHARDS);
    const listing = { partition: `SWEEP#${shard}`, sort: value.digest };
    if (value.unreferencedAt === undefined) return { listing };
    const sort = `${sortableTime(value.unreferencedAt)}#${value.digest}`;
    return { listing, due: { partition: `DUE#BLOB#${shard}`, sort } };
  },
});

/** A version that names the blob: a blob with no such row may be deleted one day, one with any may not. */
export const ReferenceValue = z.strictObject({ digest: Digest, model: ModelName, version: SemVer });
export type Reference = z.infer<typeof ReferenceValue>;

export const ReferenceRow = defineRow({
  name: 'reference',
  schemaVersion: 1,
  schema: ReferenceValue,
  key: (digest: Digest, model: ModelName, version: SemVer) => ({
    partition: `BLOB#${digest}`,
    sort: `REFERENCE#${model}@${version}`,
  }),
  keyOf: (value): [Digest, ModelName, SemVer] => [value.digest, value.model, value.version],
});

export const ReplicaState = z.enum(['reserved', 'verified', 'evicting', 'unknown']);
export type ReplicaState = z.infer<typeof ReplicaState>;

/**
 * One copy of a blob at one location. reserved (until the receipt of its fill) → verified → evicting → gone (the row is deleted),
 * plus unknown while its host is silent. A reserved host replica pins the origin version that it reads from.
 */
export const ReplicaValue = z.strictObject({
  digest: Digest,
  location: Location,
  host: z.optional(z.strictObject({ id: HostId, generation: z.number() })),
  state: ReplicaState,
  bytes: Bytes,
  /** Of the origin object: its own version for an origin replica, the one that is read for a filling host replica. */
  versionId: z.string(),
  /** The newest command about this copy. */
  actionId: z.optional(ActionId),
  pinned: z.boolean(),
  /** When its bytes were last measured, by the clock of whoever measured them. */
  checkedAt: EpochMs,
});
export type Replica = z.infer<typeof ReplicaValue>;

export const ReplicaRow = defineRow({
  name: 'replica',
  schemaVersion: 1,
  schema: ReplicaValue,
  key: (digest: Digest, location: Location) => ({ partition: `BLOB#${digest}`, sort: `REPLICA#${location}` }),
  keyOf: (value): [Digest, Location] => [value.digest, value.location],
  index: (value) =>
    value.host === undefined ? {} : { listing: { partition: `HOSTBLOBS#${value.host.id}`, sort: value.digest } },
});

export const ACCESS_SHARDS = 8;

/**
 * Accesses of one blob in one month, told by one shard of the hosts: a fleet that opens one model must not write one row.
 * `days` counts by day of the month (`"01"` …).
 */
export const AccessMonthValue = z.strictObject({
  digest: Digest,
  shard: z.number().check(z.int(), z.nonnegative()),
  month: z.string().check(z.regex(/^\d{4}-\d{2}$/)),
  days: z.record(z.string(), z.number()),
  /**
   * Accesses of each day that no copy on the host answered, so that they read the bucket. Absent in rows of releases that did not count them by
   * day: there each day has its part of the month's accesses that were no hits.
   */
  misses: z.optional(z.record(z.string(), z.number())),
  hits: z.number(),
  lastAt: EpochMs,
  /** Absent where `misses` is, and where nothing missed. */
  lastMissAt: z.optional(EpochMs),
});
export type AccessMonth = z.infer<typeof AccessMonthValue>;

export const AccessMonthRow = defineRow({
  name: 'access month',
  schemaVersion: 1,
  schema: AccessMonthValue,
  key: (digest: Digest, month: string, shard: number) => ({
    partition: `BLOB#${digest}`,
    sort: `ACCESS#${month}#${shard}`,
  }),
  keyOf: (value): [Digest, string, number] => [value.digest, value.month, value.shard],
});

export const RESTORE_SHARDS = 8;

/**
 * The way of an archived origin back to a class that is read at once. queued → asked → restoring → restored → gone (the row is deleted when
 * the origin was switched, or when the wish was given up); what operators and moves want begins as asked. A restored copy that expires before
 * it was copied is asked for again. One that is too slow for a later reader is made faster meanwhile (`faster`).
 */
export const RestoreState = z.enum(['queued', 'asked', 'restoring', 'restored']);
export type RestoreState = z.infer<typeof RestoreState>;

const RestoreTier = z.enum(['expedited', 'standard', 'bulk']);

/** The last decision to make a restore faster. wanted → taken | not-taken | unavailable, by what the store answers. */
const FasterRestore = z.strictObject({
  actionId: ActionId,
  tier: RestoreTier,
  state: z.enum(['wanted', 'taken', 'not-taken', 'unavailable']),
  /** What readers are told again should the store not make it faster. */
  slowerReadyAt: EpochMs,
  /** When the reader needs it who asked for it. */
  neededAt: EpochMs,
  /** What idles meanwhile. */
  waitingUsdPerHour: z.number().check(z.nonnegative()),
});

/** Of a reader's wish that is queued: its turn comes in the order of `askedAt`, when readers may spend so much. */
const RestoreTurn = z.strictObject({
  /** The fee of its tier. */
  usd: Usd,
  beginsAt: EpochMs,
  /** How long its readers can wait, from its beginning; without it nobody is in a hurry. And what idles meanwhile. */
  waiting: z.strictObject({ toleranceMs: z.optional(z.number()), usdPerMs: z.number().check(z.nonnegative()) }),
});

export const RestoreValue = z.strictObject({
  digest: Digest,
  /** The archived origin. */
  versionId: z.string(),
  state: RestoreState,
  actionId: ActionId,
  /**
   * What the store was asked for, or is to be asked for; the faster one once it has taken it. `unpack`: it is asked for nothing, the bytes
   * can be read and are packed.
   */
  tier: z.enum([...RestoreTier.options, 'unpack']),
  /** The class that the bytes are copied to when they can be read; of what somebody reads that is decided then. */
  to: StorageClass,
  /** Counts the askings from 1; a limit stops them. */
  attempt: z.number().check(z.int(), z.positive()),
  /** Transitions of what this asking has restored that failed while it could still be read; the same limit stops them. Absent: none. */
  failedMoves: z.optional(z.number().check(z.int(), z.positive())),
  askedAt: EpochMs,
  /** When it is expected to be readable in its new class: what readers are told. */
  readyAt: EpochMs,
  /** When to look after it, should no event come. */
  dueAt: EpochMs,
  correlationId: CorrelationId,
  faster: z.optional(FasterRestore),
  turn: z.optional(RestoreTurn),
  /** Who reads it then: the policy in force decides where the bytes go. Absent where a move asked, which has decided that. */
  wantedBy: z.optional(z.enum(['read', 'operator'])),
});
export type Restore = z.infer<typeof RestoreValue>;

export const RestoreRow = defineRow({
  name: 'restore',
  schemaVersion: 1,
  schema: RestoreValue,
  key: (digest: Digest) => ({ partition: `BLOB#${digest}`, sort: 'RESTORE' }),
  keyOf: (value): [Digest] => [value.digest],
  index: (value) => {
    const shard = shardOf(value.digest, RESTORE_SHARDS);
    const due = { partition: `DUE#RESTORE#${shard}`, sort: `${sortableTime(value.dueAt)}#${value.digest}` };
    if (value.state !== 'queued') return { due };
    return { due, listing: { partition: 'RESTORELINE', sort: `${sortableTime(value.askedAt)}#${value.digest}` } };
  },
});
