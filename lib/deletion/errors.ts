import { StrataError } from '../shared/errors.ts';

export class DeletionError extends StrataError<
  /** An alias points at the version, or a host has a file of it pinned. */
  | 'version-in-use'
  /** A legal hold or its retention stands against it. */
  | 'version-held'
  /** Nothing of that name was deleted. */
  | 'not-deleted'
  /** Its bytes are being taken away, or are gone. */
  | 'undo-window-over'
  /** The bucket's object is not the one that the catalog names: nothing is deleted, a person must look. */
  | 'object-differs'
  /** Rows that are due could not be looked at; the others were. */
  | 'not-sent'
> {}
