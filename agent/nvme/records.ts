import * as z from 'zod/mini';
import { CommandReceipt } from '../../events/command-receipt/v1.ts';
import { Origin, ViewEntry } from '../../events/host-command/v1.ts';
import { ActionId, Digest, Generation, VolumeName } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';

/** Absent in records of the first volume. */
const OnVolume = z.optional(VolumeName);

export const LeaseId = z
  .string()
  .check(z.regex(/^[0-9a-f]{32}$/))
  .brand<'LeaseId'>();
export type LeaseId = z.infer<typeof LeaseId>;

/** One fact of the store. What the records of a ledger add up to is its state; each is written before anyone is told of it. */
export const LedgerRecord = z.discriminatedUnion('is', [
  /** Bytes are set aside for a blob that is being fetched; a second time it only renews where it is fetched from. */
  z.strictObject({ is: z.literal('reserved'), digest: Digest, size: Bytes, origin: Origin, volume: OnVolume }),
  /** The plane has told anew where it is fetched from, or in which class that lies. */
  z.strictObject({ is: z.literal('origin'), digest: Digest, origin: Origin }),
  /** One part of it is written, checked and synced in the staging file. */
  z.strictObject({ is: z.literal('part'), digest: Digest, part: z.number() }),
  /** The parts that were recorded of a fill are not staged any more. */
  z.strictObject({ is: z.literal('unstaged'), digest: Digest }),
  /** The blob stands under its name, complete and verified. */
  z.strictObject({ is: z.literal('resident'), digest: Digest, at: EpochMs }),
  /** On the disk, but nothing trustworthy says that it was verified: not servable until its bytes are hashed again. */
  z.strictObject({ is: z.literal('found'), digest: Digest, size: Bytes, volume: OnVolume }),
  /** Bytes are set aside on a second volume, to which a resident blob is being copied. */
  z.strictObject({ is: z.literal('moving'), digest: Digest, to: VolumeName }),
  /** The copy there is complete, verified and synced: it is the blob now, and what lies on the first is left over. */
  z.strictObject({ is: z.literal('moved'), digest: Digest }),
  /** Nothing of it lies on a second volume any more. */
  z.strictObject({ is: z.literal('alone'), digest: Digest }),
  /** The volume of this name carries this mark; another mark means that somebody put another volume in its place. */
  z.strictObject({ is: z.literal('volume'), volume: VolumeName, mark: z.string() }),
  /** Its bytes were hashed again and were right. */
  z.strictObject({ is: z.literal('checked'), digest: Digest, at: EpochMs }),
  /** Its bytes are not what the digest says, or could not be read: never served again from this copy. */
  z.strictObject({ is: z.literal('broken'), digest: Digest }),
  /** Neither the blob nor a staging file of it is on the disk any more. */
  z.strictObject({ is: z.literal('gone'), digest: Digest }),
  /** It left although it should have stayed, and is to be fetched again, with its pin, until it is resident or given up. */
  z.strictObject({
    is: z.literal('lost'),
    digest: Digest,
    size: Bytes,
    origin: Origin,
    entries: z.array(ViewEntry),
    pinned: z.boolean(),
  }),
  z.strictObject({ is: z.literal('given-up'), digest: Digest }),
  z.strictObject({ is: z.literal('named'), digest: Digest, entries: z.array(ViewEntry) }),
  z.strictObject({ is: z.literal('pinned'), digest: Digest, pinned: z.boolean() }),
  z.strictObject({ is: z.literal('leased'), lease: LeaseId, digests: z.array(Digest) }),
  z.strictObject({ is: z.literal('lease-ended'), lease: LeaseId }),
  z.strictObject({ is: z.literal('capacity'), capacityBytes: Bytes }),
  z.strictObject({ is: z.literal('draining'), draining: z.boolean() }),
  /** An action had its one effect; its receipt waits to be sent. Kept until `forgetAt`, so that a replay finds it. */
  z.strictObject({ is: z.literal('finished'), receipt: CommandReceipt, forgetAt: EpochMs }),
  z.strictObject({ is: z.literal('receipt-sent'), actionId: ActionId, forgetAt: EpochMs }),
  z.strictObject({ is: z.literal('forgotten'), actionId: ActionId }),
  /** The newest command about `subject` that was carried out; an older one that arrives later is superseded. */
  z.strictObject({ is: z.literal('commanded'), subject: z.string(), issuedAt: EpochMs, forgetAt: EpochMs }),
  z.strictObject({ is: z.literal('subject-forgotten'), subject: z.string() }),
  /** Heartbeats up to this sequence may have been sent by this generation. */
  z.strictObject({ is: z.literal('heartbeats'), generation: Generation, upTo: z.number() }),
  /** The latest moment that a report carries. */
  z.strictObject({ is: z.literal('stamped'), at: EpochMs }),
]);
export type LedgerRecord = z.infer<typeof LedgerRecord>;
