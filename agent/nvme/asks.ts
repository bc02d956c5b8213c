import type { Digest } from '../../lib/shared/ids.ts';

/** Which blobs of this store inference processes asked for, as far as this incarnation knows. */
export interface Asks {
  note(digest: Digest): void;
  forget(digest: Digest): void;
  known(digest: Digest): boolean;
}

export function createAsks(): Asks {
  const asked = new Set<Digest>();
  return {
    note: (digest) => asked.add(digest),
    forget: (digest) => asked.delete(digest),
    known: (digest) => asked.has(digest),
  };
}
