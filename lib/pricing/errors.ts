import { StrataError } from '../shared/errors.ts';

/** A price that is in no book, and one that a price list lacks, is an error, never zero. */
export class PricingError extends StrataError<
  | 'invalid-book'
  | 'cannot-decide'
  | 'unknown-price'
  | 'invalid-list'
  | 'missing-price'
  | 'list-unreachable'
  | 'book-not-taken'
> {}
