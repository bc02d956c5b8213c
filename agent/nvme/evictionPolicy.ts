import type { Digest } from '../../lib/shared/ids.ts';

/** The opinion on which blob leaves first; the store owns the facts and forbids what is leased, pinned or being worked on. */
export interface EvictionPolicy {
  accessed(digest: Digest, bytes: number, hit: boolean): void;
  entered(digest: Digest, bytes: number): void;
  left(digest: Digest, evicted: boolean): void;
  victim(evictable: (digest: Digest) => boolean): Digest | undefined;
}

/** Evicts what was longest not asked for. */
export function createLeastRecentlyUsed(): EvictionPolicy {
  // A Map iterates in the order of insertion, so re-inserting at each access keeps the oldest first.
  const order = new Map<Digest, true>();
  return {
    accessed(digest) {
      if (order.delete(digest)) order.set(digest, true);
    },
    entered(digest) {
      order.delete(digest);
      order.set(digest, true);
    },
    left(digest) {
      order.delete(digest);
    },
    victim(evictable) {
      for (const digest of order.keys()) if (evictable(digest)) return digest;
      return undefined;
    },
  };
}
