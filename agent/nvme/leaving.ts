import type { Digest } from '../../lib/shared/ids.ts';

/**
 * Blobs that are about to leave their path. Several may want that at once, a move and an eviction behind it: the blob is served
 * again only when each of them has ended its own wish.
 */
export interface Leaving {
  has(digest: Digest): boolean;
  /** Nobody is given the blob until the returned function is called. */
  begin(digest: Digest): () => void;
}

export function createLeaving(): Leaving {
  const wishes = new Map<Digest, Set<symbol>>();
  return {
    has: (digest) => wishes.has(digest),
    begin(digest) {
      const wish = Symbol(digest);
      const all = wishes.get(digest) ?? new Set();
      wishes.set(digest, all.add(wish));
      return () => {
        if (all.delete(wish) && all.size === 0) wishes.delete(digest);
      };
    },
  };
}
