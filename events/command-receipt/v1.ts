import * as z from 'zod/mini';
import { ActionId, CorrelationId, Digest, Generation, HostId } from '../../lib/shared/ids.ts';
import { Bytes, EpochMs } from '../../lib/shared/units.ts';
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

/** What a host measured after a command, or after a fetch that an inference process asked for (`origin: local`). Signed by the host. */
export const CommandReceipt = z.strictObject({
  schema: z.literal('command-receipt/1'),
  actionId: ActionId,
  origin: z.enum(['command', 'local']),
  host: HostId,
  generation: Generation,
  type: CommandType,
  digest: z.optional(Digest),
  correlationId: CorrelationId,
  startedAt: EpochMs,
  finishedAt: EpochMs,
  outcome: ReceiptOutcome,
  code: ReceiptCode,
  message: z.optional(z.string().check(z.maxLength(2000))),
  /** Measured on the device: bytes of this blob before and after, and of the whole store after. */
  measured: z.strictObject({ bytesBefore: Bytes, bytesAfter: Bytes, usedBytes: Bytes, capacityBytes: Bytes }),
});
export type CommandReceipt = z.infer<typeof CommandReceipt>;
