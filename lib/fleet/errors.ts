import { StrataError } from '../shared/errors.ts';

/** Of reports and requests that cannot be what they claim, or name what there is not. Retrying does not help. */
export class FleetError extends StrataError<'forged-report' | 'malformed-report' | 'unknown-host' | 'unknown-token'> {}

/** Of a run of `reap` that had to pass over some hosts or commands. */
export class ReapError extends StrataError<'not-reaped'> {}
