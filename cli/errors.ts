import { CommanderError } from 'commander';
import * as z from 'zod/mini';
import { errorText, StrataError } from '../lib/shared/errors.ts';
import { jsonLine, printable } from '../lib/shared/printable.ts';

/** Of the command line itself. Codes are append-only: scripts match on them. */
export class CliError extends StrataError<
  | 'no-plane'
  | 'plane-unreachable'
  | 'bad-reference'
  | 'bad-path'
  | 'bad-file-name'
  | 'file-changed'
  | 'not-uploaded'
  | 'bad-answer'
  | 'plane-failed'
  | 'not-confirmed'
  | 'no-operator'
  | 'exists'
  | 'bad-file'
  | 'disk-full'
  /** The host has not answered a command in the time that was waited. */
  | 'no-receipt'
  /** What is to be pushed is published with other content, or was deleted. */
  | 'version-closed'
  /** Another push into the same version came over this one. */
  | 'replaced'
  /** Named rightly, and not there. */
  | 'unknown-host'
  | 'unknown-queue'
  | 'unknown-run'
  | 'unknown-digest'
  | 'nothing-to-accept'
> {}

/** Some items failed, or findings; the command has already said which. */
export class FindingsError extends Error {
  override readonly name = 'FindingsError';
}

/**
 * What every command exits with. `usage`: the command line, or a file that it names, is none that the command takes, whatever a plane
 * knows. `failed`: also what is named rightly and is not there.
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, retry: 3, credentials: 4, cancelled: 130 } as const;

const USAGE_CODES = new Set([
  'bad-reference',
  'bad-path',
  'bad-file-name',
  'bad-file',
  'unreadable-file',
  'bad-log',
  'bad-trace',
  'bad-inventory',
  'invalid-book',
  'not-packed',
  'exists',
  'invalid-reference',
  'invalid-input',
  'no-plane',
  'not-confirmed',
  'no-operator',
  'bad-store',
]);
const CREDENTIAL_CODES = new Set(['access-denied', 'unauthorized']);
const Named = z.object({ name: z.string() });

/** What a failed command exits with: retryable differs from fatal, so that scripts know. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (isWithoutCredentials(error)) return EXIT.credentials;
  if (error instanceof StrataError) {
    if (CREDENTIAL_CODES.has(error.code)) return EXIT.credentials;
    if (USAGE_CODES.has(error.code)) return EXIT.usage;
    return error.retryable ? EXIT.retry : EXIT.failed;
  }
  return EXIT.failed;
}

/** The SDK found none; the port's error that it caused is one of a service that is away. */
function isWithoutCredentials(error: unknown): boolean {
  if (Named.safeParse(error).data?.name === 'CredentialsProviderError') return true;
  return error instanceof StrataError && isWithoutCredentials(error.cause);
}

const NoSpace = z.object({ code: z.enum(['ENOSPC', 'EDQUOT']) });

/** A full disk is nothing that went wrong in here. */
function told(error: unknown): unknown {
  if (error instanceof StrataError || !NoSpace.safeParse(error).success) return error;
  const message = 'The disk that this writes to is full. Make room on it, and run it again.';
  return new CliError({ code: 'disk-full', message, retryable: false, cause: error });
}

/** One line for people, or one object for programs; the cause where it says more. */
export function describeError(thrown: unknown, json: boolean): string {
  const error = told(thrown);
  const known = error instanceof StrataError;
  const code = known ? error.code : 'internal';
  const message = known ? error.message : errorText(error);
  const caused = error instanceof Error && error.cause !== undefined ? errorText(error.cause) : undefined;
  const cause = caused === undefined || message.includes(caused) ? undefined : caused;
  if (json) {
    const retryable = known && error.retryable && !isWithoutCredentials(error);
    return jsonLine({ schema: 'strata.error/v1', code, message, retryable, cause });
  }
  return printable(`error[${code}]: ${message}\n${cause === undefined ? '' : `  cause: ${cause}\n`}`);
}

/** What is wrong with the command line, in the words of the parser, with where to look. */
export function describeUsage(text: string, json: boolean): string {
  const message = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ');
  if (json) return jsonLine({ schema: 'strata.error/v1', code: 'usage', message, retryable: false });
  return printable(`error[usage]: ${message}\n  \`--help\` behind a command shows what it takes.\n`);
}
