import { type Access, type CachePolicy, NO_GROUP, NO_OBJECT, parsePolicySpec } from '../../lib/caching/index.ts';
import type { Digest } from '../../lib/shared/ids.ts';

/** The opinion on which blob leaves first; the store owns the facts and forbids what is leased, pinned or being worked on. */
export interface EvictionPolicy {
  /** A resident blob was asked for again. */
  accessed(digest: Digest, bytes: number): void;
  entered(digest: Digest, bytes: number): void;
  left(digest: Digest, evicted: boolean): void;
  victim(evictable: (digest: Digest) => boolean): Digest | undefined;
}

/** Blobs that the policy remembers, resident or not; far more than a host holds. */
const MOST_REMEMBERED = 16_384;

/**
 * A policy of the eviction laboratory by its name (`lru`, `gdsf`, `s3-fifo` …). Its objects are numbers: each digest gets one,
 * and the number of the blob that left longest ago goes on to a newcomer when all are taken.
 */
export function createEvictionPolicy(name: string, capacityBytes: number): EvictionPolicy {
  const policy: CachePolicy = parsePolicySpec(name).create({ capacityBytes, objects: MOST_REMEMBERED, seed: 1 });
  const numbers = new Map<Digest, number>();
  const digests: (Digest | undefined)[] = [];
  /** Not resident, oldest first. */
  const gone = new Set<Digest>();

  function numberOf(digest: Digest): number | undefined {
    const known = numbers.get(digest);
    if (known !== undefined) return known;
    const [oldest] = gone;
    if (digests.length >= MOST_REMEMBERED && oldest === undefined) return undefined;
    const number = digests.length < MOST_REMEMBERED || oldest === undefined ? digests.length : numbers.get(oldest);
    if (number === undefined) return undefined;
    if (oldest !== undefined && digests[number] === oldest) {
      numbers.delete(oldest);
      gone.delete(oldest);
    }
    digests[number] = digest;
    numbers.set(digest, number);
    gone.add(digest);
    return number;
  }

  function accessOf(digest: Digest, bytes: number): Access | undefined {
    const object = numberOf(digest);
    if (object === undefined) return undefined;
    return { object, bytes, missCost: bytes, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY };
  }

  return {
    accessed(digest, bytes) {
      const access = accessOf(digest, bytes);
      if (access !== undefined) policy.access(access, !gone.has(digest));
    },
    entered(digest, bytes) {
      const access = accessOf(digest, bytes);
      if (access === undefined || !gone.delete(digest)) return;
      policy.access(access, false);
      policy.entered(access);
    },
    left(digest, evicted) {
      const number = numbers.get(digest);
      if (number === undefined || gone.has(digest)) return;
      policy.left(number, evicted);
      gone.add(digest);
    },
    victim(evictable) {
      const victim = policy.victim((object) => {
        const digest = digests[object];
        return digest !== undefined && evictable(digest);
      });
      return victim === NO_OBJECT ? undefined : digests[victim];
    },
  };
}
