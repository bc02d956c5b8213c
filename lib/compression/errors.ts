import { StrataError } from '../shared/errors.ts';

export class CompressionError extends StrataError<
  /** Not a file of this format, or damaged: nothing of the damaged block was handed on. */
  | 'not-packed'
  /** Bytes came out that are not those that went in. */
  | 'packed-corrupt'
> {}

export function notPacked(text: string): CompressionError {
  return new CompressionError({ code: 'not-packed', message: text, retryable: false });
}

export function corrupt(text: string): CompressionError {
  const message = `${text} The file is damaged: fetch or compress it again.`;
  return new CompressionError({ code: 'packed-corrupt', message, retryable: false });
}
