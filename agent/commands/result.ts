import type { ReceiptCode, ReceiptOutcome } from '../../events/command-receipt/v1.ts';
import { errorText } from '../../lib/shared/errors.ts';
import { DiskError } from '../../lib/shared/ports/disk.ts';

/** How a command ended, with the bytes of its blob (of the whole store where it names none) measured before and after. */
export interface CommandEnd {
  readonly kind: 'ended';
  readonly outcome: ReceiptOutcome;
  readonly code: ReceiptCode;
  readonly message?: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** `stopped`: the agent stops in the middle; the command comes back and goes on. */
export type CommandResult = CommandEnd | { readonly kind: 'stopped' };

interface Bytes {
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

export function done(code: ReceiptCode, { bytesBefore, bytesAfter }: Bytes): CommandEnd {
  return { kind: 'ended', outcome: 'done', code, bytesBefore, bytesAfter };
}

export function failed(code: ReceiptCode, message: string, { bytesBefore, bytesAfter }: Bytes): CommandEnd {
  return { kind: 'ended', outcome: 'failed', code, message, bytesBefore, bytesAfter };
}

export function leaked(message: string, { bytesBefore, bytesAfter }: Bytes): CommandEnd {
  return { kind: 'ended', outcome: 'leaked', code: 'disk-error', message, bytesBefore, bytesAfter };
}

/** A command that met a broken disk fails once; anything else that is thrown is a defect and is thrown on. */
export function diskFailed(error: unknown, bytes: number): CommandEnd {
  if (!(error instanceof DiskError)) throw error;
  return failed('disk-error', errorText(error), { bytesBefore: bytes, bytesAfter: bytes });
}

/** Ended without any effect. */
export function refused(code: 'expired' | 'superseded'): CommandEnd {
  const message = code === 'expired' ? 'It was past its time.' : 'A newer command about the same was there already.';
  return { kind: 'ended', outcome: 'refused', code, message, bytesBefore: 0, bytesAfter: 0 };
}
