import { StrataError } from '../shared/errors.ts';

export class OrphanError extends StrataError<
  /** So much of a page is named by no row that the catalog is the likelier one to be wrong; nothing is swept. */
  'implausible'
> {}
