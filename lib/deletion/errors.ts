import type { Action } from '../catalog/index.ts';
import { StrataError } from '../shared/errors.ts';
import type { ActionId, Digest } from '../shared/ids.ts';

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

/** What a purge found under a version that it was to delete. */
export interface Difference {
  readonly digest: Digest;
  readonly versionId: string;
  /** Before anything was condemned: the receipt of the delete that is not made. */
  readonly receipt?: Action | undefined;
  /** After that: the delete that has begun. */
  readonly begun?: ActionId | undefined;
}

/** `object-differs`, with what a purge needs in order to end. */
export class ObjectDiffersError extends DeletionError {
  readonly difference: Difference;

  constructor(difference: Difference) {
    const { digest, versionId } = difference;
    super({
      code: 'object-differs',
      message: `Version ${versionId} of blob ${digest} is not what was judged, or is named again; it was not deleted. Run \`strata doctor\`.`,
      retryable: false,
    });
    this.difference = difference;
  }
}
