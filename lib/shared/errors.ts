import type { DurationMs } from './units.ts';

export interface StrataErrorOptions<Code extends string> {
  readonly code: Code;
  /** What happened, for people, ending in what to do about it. */
  readonly message: string;
  /** Whether the same call may succeed later without anything being changed. */
  readonly retryable: boolean;
  readonly retryAfter?: DurationMs;
  readonly cause?: unknown;
}

/** The root of every error that Strata throws on purpose; each capability has one subclass with a closed union of codes. */
export abstract class StrataError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly retryable: boolean;
  readonly retryAfter: DurationMs | undefined;

  constructor(options: StrataErrorOptions<Code>) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = options.code;
    this.retryable = options.retryable;
    this.retryAfter = options.retryAfter;
  }
}

/** Of the stores and queues behind the ports: what every adapter maps its vendor's errors to. */
export class PortError extends StrataError<
  | 'throttled'
  | 'unavailable'
  | 'too-large'
  | 'no-such-queue'
  | 'no-such-bucket'
  | 'access-denied'
  | 'invalid-request'
  | 'corrupt'
> {}

/** A value from outside does not have the shape that its contract promises. Retrying does not help. */
export class ContractError extends StrataError<'invalid-message' | 'invalid-row' | 'invalid-config'> {}

/** Text of any thrown value, safe to log. */
export function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
