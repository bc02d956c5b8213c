import { StrataError } from '../shared/errors.ts';

export class AuditError extends StrataError<
  /** A locked seal does not continue the chain of seals, or holds what the catalog does not: nothing is sealed until a person has looked. */
  | 'seal-mismatch'
  /** Entries that are to be sealed are not in the catalog; all others are sealed. */
  | 'entry-missing'
> {}
