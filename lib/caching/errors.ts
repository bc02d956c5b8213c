import { StrataError } from '../shared/errors.ts';

/** What a caller of this capability can have got wrong; none of it passes by trying again. */
export class CachingError extends StrataError<
  'unknown-policy' | 'bad-policy-parameter' | 'bad-trace' | 'bad-size' | 'bad-state'
> {}

export type CachingErrorCode = CachingError['code'];

export function cachingError(code: CachingErrorCode, message: string): CachingError {
  return new CachingError({ code, message, retryable: false });
}
