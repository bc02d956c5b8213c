import { StrataError } from '../shared/errors.ts';

/** Of an operation that could not be done as asked. `rejected` carries an answer from afar whose code is in the message. */
export class OperationsError extends StrataError<
  | 'unknown-operation'
  | 'invalid-input'
  | 'unknown-upload'
  | 'unknown-queue'
  | 'unreachable'
  | 'unauthorized'
  | 'command-refused'
> {}
