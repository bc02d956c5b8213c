import { StrataError } from '../shared/errors.ts';

/** Of an operation that could not be done as asked. */
export class OperationsError extends StrataError<
  | 'unknown-operation'
  | 'invalid-input'
  | 'unknown-upload'
  | 'unknown-queue'
  | 'unreachable'
  | 'unauthorized'
  | 'command-refused'
  | 'no-audit-bucket'
  /** No change of policy waits for an operator. */
  | 'nothing-to-accept'
> {}
