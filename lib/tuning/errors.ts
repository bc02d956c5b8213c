import { StrataError } from '../shared/errors.ts';

/** Of the tuning of a host. */
export class TuningError extends StrataError<
  | 'bad-store'
  | 'unknown-file'
  | 'refused'
  | 'not-undone'
  | 'unfinished'
  | 'damaged-journal'
  | 'already-running'
  | 'unsafe-folder'
  | 'not-ours'
  | 'cancelled'
  | 'no-room'
> {}
