import { StrataError } from '../shared/errors.ts';

/** Why ingest could not go on. All of them pass when the message is delivered again. */
export class IngestError extends StrataError<
  | 'object-busy'
  | 'copy-differs'
  | 'unknown-upload'
  | 'scan-cut-off'
  | 'too-many-hops'
  | 'not-releasable'
  | 'not-reconciled'
  | 'not-expired'
> {}
