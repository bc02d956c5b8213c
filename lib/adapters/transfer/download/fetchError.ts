import { StrataError } from '../../../shared/errors.ts';
import type { Failure, FailureKind } from '../failures.ts';

/** Why a download ended without its file. Codes are append-only: scripts match on them. */
export class FetchError extends StrataError<
  | 'absent'
  | 'archived'
  | 'access-denied'
  | 'changed'
  | 'wrong-bytes'
  | 'unavailable'
  | 'bad-answer'
  | 'too-large'
  | 'tls'
  | 'no-space'
  | 'disk-error'
  | 'exists'
  | 'cancelled'
> {}

const CODES: Readonly<Record<FailureKind, FetchError['code']>> = {
  connect: 'unavailable',
  'broken-off': 'unavailable',
  stalled: 'unavailable',
  slow: 'unavailable',
  'server-error': 'unavailable',
  'slow-down': 'unavailable',
  unauthorized: 'access-denied',
  absent: 'absent',
  archived: 'archived',
  changed: 'changed',
  'beyond-end': 'changed',
  'wrong-range': 'bad-answer',
  'no-ranges': 'bad-answer',
  'no-length': 'bad-answer',
  'too-long': 'bad-answer',
  malformed: 'bad-answer',
  encoded: 'bad-answer',
  redirects: 'bad-answer',
  refused: 'bad-answer',
  'too-large': 'too-large',
  tls: 'tls',
  'no-space': 'no-space',
  'disk-error': 'disk-error',
  cancelled: 'cancelled',
};

const HINTS: Partial<Readonly<Record<FetchError['code'], string>>> = {
  archived: 'Restore the object first.',
  'access-denied': 'Check the credentials and what they may read.',
  changed: 'The object was replaced meanwhile; fetch it again from its beginning.',
  unavailable: 'Run the same command again: it goes on where it stopped.',
  tls: 'Check the name and the certificate of the server; --ca trusts another authority.',
  'no-space': 'Make room and run the same command again.',
};

export function fetchError({ kind, message }: Failure, retryable: boolean): FetchError {
  const code = CODES[kind];
  const hint = HINTS[code];
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  return new FetchError({ code, message: hint === undefined ? sentence : `${sentence} ${hint}`, retryable });
}
