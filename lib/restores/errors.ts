import { StrataError } from '../shared/errors.ts';

export class RestoreError extends StrataError<
  /** The archived object that the catalog serves is not in the bucket: a person must look. */
  | 'origin-missing'
  /** Rows that are due could not be looked at; the others were. */
  | 'not-watched'
> {}
