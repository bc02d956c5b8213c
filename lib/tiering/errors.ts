import { StrataError } from '../shared/errors.ts';

export class TieringError extends StrataError<
  /** Another write of the same object was under way. */
  | 'busy'
  /** The object that the catalog serves is not in the bucket: nothing is deleted, a person must look. */
  | 'origin-missing'
  /** The part hashes of a blob that is to be packed cannot be read. */
  | 'manifest-missing'
  /** Readers have pinned the old copy for too long. */
  | 'still-pinned'
  /** Some blobs of a batch could not be decided about. */
  | 'blobs-failed'
  /** The configured policy would make objects in use dearer or slower to read. */
  | 'policy-refused'
  /** A run that no plan has begun, or that is not the plan's alone. */
  | 'no-plan'
> {}
