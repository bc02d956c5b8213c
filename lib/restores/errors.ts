import { StrataError } from '../shared/errors.ts';

export class RestoreError extends StrataError<
  /** The archived object that the catalog serves is not in the bucket: a person must look. */
  'origin-missing'
> {}
