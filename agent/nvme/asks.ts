import type { Digest } from '../../lib/shared/ids.ts';
import type { Clock } from '../../lib/shared/ports/clock.ts';
import type { EpochMs } from '../../lib/shared/units.ts';
import type { BlobEntry } from './ledgerState.ts';

/** When inference processes asked for the blobs of this store, as far as this incarnation knows. */
export interface Asks {
  note(digest: Digest): void;
  forget(digest: Digest): void;
  /** The last time; before the first one, since when the blob is here. */
  last(blob: BlobEntry): EpochMs;
  /** Whether any process asked for it while this incarnation looked on. */
  known(digest: Digest): boolean;
}

export function createAsks(clock: Clock): Asks {
  const lastAsked = new Map<Digest, EpochMs>();
  return {
    note: (digest) => lastAsked.set(digest, clock.now()),
    forget: (digest) => lastAsked.delete(digest),
    last: ({ digest, since }) => lastAsked.get(digest) ?? since,
    known: (digest) => lastAsked.has(digest),
  };
}
