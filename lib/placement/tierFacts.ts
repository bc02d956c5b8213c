import * as z from 'zod/mini';
import { Digest, StorageClass } from '../shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../shared/units.ts';
import { earlyDeletionUsd } from './bill.ts';
import { PackingFacts } from './packing.ts';
import type { Rates } from './rates.ts';

const amount = z.number().check(z.nonnegative());

/** Whether the policy may delete the version that needs an object, or the first thing that forbids it. */
export const Expiry = z.enum([
  'expires',
  /** Its versions are deleted already; the purge takes its bytes. */
  'deleted',
  'held',
  'retained',
  'aliased',
  'pinned',
  /** What the model's name stands for. */
  'newest',
  /** Somebody has said that it is read more often. */
  'promised',
  /** Other versions need it too, or all that the version has. */
  'shared',
  'on-hosts',
  /** Another file of the version is read. */
  'still-read',
  /** No version needs it: the purge looks after it. */
  'unreferenced',
]);
export type Expiry = z.infer<typeof Expiry>;

/** Opens that no copy on a host answered. */
export const BucketReads = z.strictObject({
  last30Days: z.number().check(z.int(), z.nonnegative()),
  lastAt: z.optional(EpochMs),
});
export type BucketReads = z.infer<typeof BucketReads>;

/** What the catalog knows about one stored object when its class is decided. A decision receipt keeps it as JSON. */
export const TierFacts = z.strictObject({
  digest: Digest,
  bytes: Bytes,
  storageClass: StorageClass,
  createdAt: EpochMs,
  /** When the object entered its class: the start of the minimum-duration clock. */
  transitionedAt: EpochMs,
  /** Opens on hosts, whoever had the bytes: how much it is in use. */
  lastAccessAt: z.optional(EpochMs),
  accessesLast30Days: z.number().check(z.int(), z.nonnegative()),
  /** What the bucket charges, and what its idle clock sees. Absent in older receipts, and where nobody tells hosts and bucket apart: every open is one. */
  bucketReads: z.optional(BucketReads),
  /** Opens since it was created; without it the last 30 days stand for all. */
  accesses: z.optional(z.number().check(z.int(), z.nonnegative())),
  /** Of what the lifecycle preset would delete. */
  expiry: z.optional(Expiry),
  /**
   * Set while something needs the object where it is; such objects never move. A `lease` is what an inventory may say: the catalog knows of none,
   * for a lease holds a host's own copy, which no move of the origin touches; while that is filled, it is `pending-fill`.
   */
  heldBy: z.optional(z.enum(['lease', 'pin', 'legal-hold', 'pending-fill'])),
  /** Reads of the bucket and the time that they cover, decayed (`remember`); without it the last 30 days stand for the past. */
  memory: z.optional(z.strictObject({ reads: amount, exposureMs: amount })),
  /** Reads of the bucket a day as somebody knows them, such as nearly none of a retired version. Stands above what was learned. */
  knownReadsPerDay: z.optional(amount),
  /** How long readers may wait for a restore; without it they may not, and archive classes are out of the question. */
  restoreToleranceMs: z.optional(amount),
  /** What idles while a restore is awaited, in dollars per hour. */
  waitingUsdPerHour: z.optional(amount),
  /** What its class has cost more than home would have, from the best moment to go there until now; without it the last 30 days tell. */
  regretUsd: z.optional(amount),
  /** What may still be put at risk on a learned forecast (`slackUsd` of the plane's `RiskAccount`); without it nothing. */
  slackUsd: z.optional(Usd),
  /**
   * Of an object that is out of Intelligent-Tiering on a learned forecast: what is reserved for it, for how many reads between two sweeps (absent:
   * one), and what it has lost so far.
   */
  atRisk: z.optional(
    z.strictObject({
      reservedUsd: Usd,
      lostUsd: Usd,
      readsCovered: z.optional(z.number().check(z.int(), z.nonnegative())),
    }),
  ),
  /** Absent where it cannot be packed, where nobody has measured how small it would get, or where packing is switched off. */
  packing: z.optional(PackingFacts),
});
export type TierFacts = z.infer<typeof TierFacts>;

export function bucketReadsOf({
  accessesLast30Days,
  bucketReads,
  lastAccessAt,
}: Pick<TierFacts, 'accessesLast30Days' | 'bucketReads' | 'lastAccessAt'>): BucketReads {
  if (bucketReads !== undefined) return bucketReads;
  return { last30Days: accessesLast30Days, ...(lastAccessAt === undefined ? {} : { lastAt: lastAccessAt }) };
}

export type IdleClock = Pick<TierFacts, 'bucketReads' | 'createdAt' | 'lastAccessAt' | 'transitionedAt'>;

/** How long the bucket was not asked for it, nor has written it. */
export function unreadMs(facts: Omit<IdleClock, 'transitionedAt'>, now: number): number {
  const { lastAt } = bucketReadsOf({ accessesLast30Days: 0, ...facts });
  return Math.max(0, now - (lastAt ?? facts.createdAt));
}

/** What Intelligent-Tiering counts its idle days by. */
export function idleMs(facts: IdleClock, now: number): number {
  return Math.max(0, Math.min(unreadMs(facts, now), now - facts.transitionedAt));
}

/** What lies in the bucket and is billed. */
export function storedBytes({ bytes, packing }: Pick<TierFacts, 'bytes' | 'packing'>): Bytes {
  return packing?.packed === true ? packing.bytes : bytes;
}

/** The end of the minimum duration of the class that the object is in. */
export function freeMoveAt(facts: Pick<TierFacts, 'storageClass' | 'transitionedAt'>, rates: Rates): EpochMs {
  return EpochMs.parse(facts.transitionedAt + rates.of(facts.storageClass).minimumMs);
}

/** What leaving the class now would charge for storage that was promised and not used. */
export function liabilityUsd(facts: TierFacts, rates: Rates, now: number): Usd {
  const heldMs = Math.max(0, now - facts.transitionedAt);
  return Usd.parse(earlyDeletionUsd(rates.of(facts.storageClass), storedBytes(facts), heldMs));
}
