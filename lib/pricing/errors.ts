import { StrataError } from '../shared/errors.ts';

/** A price that is not in the book is an error, never zero. */
export class PricingError extends StrataError<'invalid-book' | 'unknown-price'> {}
