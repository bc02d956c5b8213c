import * as z from 'zod/mini';
import { ActionId, CorrelationId, Digest, Generation, HostId, StorageClass } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs, Usd } from '../../lib/shared/units.ts';
import { CommandType } from '../host-command/v1.ts';

export const ReceiptOutcome = z.enum([
  /** The measured bytes changed as the command asked (or were already so). */
  'done',
  /** Nothing changed; `code` says why. */
  'failed',
  /** Bytes are on the disk that should not be, or could not be removed. */
  'leaked',
  /** The command was not valid for this host, generation or moment. */
  'refused',
]);
export type ReceiptOutcome = z.infer<typeof ReceiptOutcome>;

export const ReceiptCode = z.enum([
  'ok',
  'already-resident',
  'already-absent',
  'superseded',
  'expired',
  'stale-generation',
  'foreign-host',
  'bad-signature',
  'malformed',
  'no-room',
  'leased',
  'pinned',
  'not-resident',
  'wrong-bytes',
  'corrupt',
  'disk-error',
  'origin-absent',
  'origin-archived',
  'origin-unavailable',
  'denied',
  'draining',
  'cancelled',
]);
export type ReceiptCode = z.infer<typeof ReceiptCode>;

/** What the policy knew of one blob when it chose: its worth is the odds of its use times what its next miss would cost. */
const WeighedBlob = z.strictObject({
  digest: Digest,
  bytes: Bytes,
  missSeconds: z.number().check(z.nonnegative()),
  missUsd: Usd,
  /** How often it was asked for on this host, and how many accesses ago the last time was. */
  uses: z.int().check(z.nonnegative()),
  accessesAgo: z.int().check(z.nonnegative()),
  /** E[h ÷ (h + d)], d being the accesses until its next use and h 16 or more, as the policy estimates it. */
  useOdds: z.number().check(z.nonnegative(), z.lte(1)),
});

/** Why a host let this blob go and not another, of an eviction that it decided by itself. */
export const EvictionChoice = z.strictObject({
  policy: z.string().check(z.minLength(1), z.maxLength(40)),
  /** The judge that the policy followed: its model or one of the simple policies that it watches. */
  judge: z.string().check(z.minLength(1), z.maxLength(40)),
  reason: z.enum([
    /** It was served although it was not worth keeping, so it leaves first. */
    'guest',
    /** The judge would no longer keep it. */
    'not-kept',
    /** Of what may leave it is worth least per byte, among those that were weighed. */
    'least-worth',
  ]),
  /** The blob that needed the room; absent where a limit shrank. */
  roomFor: z.optional(Digest),
  evicted: WeighedBlob,
  /** What would have left next. */
  next: z.array(WeighedBlob).check(z.maxLength(3)),
});
export type EvictionChoice = z.infer<typeof EvictionChoice>;

/** Beside what the plane commands, what only a host does: it moved a blob from NVMe down to its SSD. */
export const ReceiptType = z.union([CommandType, z.literal('demote')]);
export type ReceiptType = z.infer<typeof ReceiptType>;

/**
 * What a host weighed before it copied a blob down to its SSD, or did not. It pays where the next use from there costs so much less than
 * a miss, times the odds of that use, that it is more than the writing and the worth of what has to leave.
 */
export const Demotion = z.strictObject({
  reason: z.enum([
    'pays',
    /** The host was never told where it came from: it goes down where nothing has to leave for it. */
    'no-origin',
    'costs-more',
    /** Fetched ahead, and no process has asked for it since. */
    'never-asked-for',
    'too-large',
    'draining',
    /** It would have paid, and its copy failed: the disk, or no room any more. */
    'not-copied',
  ]),
  /** Where the origin lay when the host was last told; absent where it was told nothing, and `missUsd` is that of STANDARD. */
  storageClass: z.optional(StorageClass),
  missUsd: Usd,
  ssdUsd: Usd,
  /** Of a use in the time for which it would lie there. */
  useOdds: z.number().check(z.nonnegative(), z.lte(1)),
  /** The wear of the drive, and what waits for it meanwhile. */
  writeUsd: Usd,
  displacedUsd: Usd,
});
export type Demotion = z.infer<typeof Demotion>;

/** What a host measured after a command, or after a fetch that an inference process asked for (`origin: local`). Signed by the host. */
export const CommandReceipt = z.strictObject({
  schema: z.literal('command-receipt/1'),
  actionId: ActionId,
  origin: z.enum(['command', 'local']),
  host: HostId,
  generation: Generation,
  type: ReceiptType,
  digest: z.optional(Digest),
  correlationId: CorrelationId,
  startedAt: EpochMs,
  finishedAt: EpochMs,
  outcome: ReceiptOutcome,
  code: ReceiptCode,
  message: z.optional(z.string().check(z.maxLength(2000))),
  /** Measured on the device: bytes of this blob before and after, and of the whole store after. */
  measured: z.strictObject({ bytesBefore: Bytes, bytesAfter: Bytes, usedBytes: Bytes, capacityBytes: Bytes }),
  choice: z.optional(EvictionChoice),
  /** Of what left NVMe ahead of need on a host with an SSD; only to planes that speak protocol 3. */
  demotion: z.optional(Demotion),
});
export type CommandReceipt = z.infer<typeof CommandReceipt>;
