import { StrataError } from '../shared/errors.ts';

/** Of reports and requests that cannot be what they claim. Retrying does not help; they end in a dead-letter queue. */
export class FleetError extends StrataError<'forged-report' | 'malformed-report' | 'unknown-host'> {}

/** Of a run of `reap` that had to pass over some hosts or commands. */
export class ReapError extends StrataError<'not-reaped'> {}
