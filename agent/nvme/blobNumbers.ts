import type { Digest } from '../../lib/shared/ids.ts';

/** The small numbers by which a policy of the eviction laboratory knows blobs. */
export interface BlobNumbers {
  numberOf(digest: Digest): number | undefined;
  /** Its number, or a new one; undefined only where more blobs are in use than there are numbers. */
  assign(digest: Digest): number | undefined;
  digestOf(number: number): Digest | undefined;
  /** A number in use stays with its blob. */
  use(digest: Digest): void;
  release(digest: Digest): void;
}

/**
 * Each digest gets a number below `most`. When all are taken, the number of the blob whose use ended longest ago goes on to the
 * newcomer, and `recycled` is told.
 */
export function createBlobNumbers(most: number, recycled: (number: number) => void): BlobNumbers {
  const numbers = new Map<Digest, number>();
  const digests: Digest[] = [];
  /** Not in use, oldest first. */
  const idle = new Set<Digest>();

  function freeNumber(): number | undefined {
    if (digests.length < most) return digests.length;
    const [oldest] = idle;
    const number = oldest === undefined ? undefined : numbers.get(oldest);
    if (oldest === undefined || number === undefined) return undefined;
    idle.delete(oldest);
    numbers.delete(oldest);
    recycled(number);
    return number;
  }

  return {
    numberOf: (digest) => numbers.get(digest),
    assign(digest) {
      const known = numbers.get(digest);
      if (known !== undefined) return known;
      const number = freeNumber();
      if (number === undefined) return undefined;
      digests[number] = digest;
      numbers.set(digest, number);
      idle.add(digest);
      return number;
    },
    digestOf: (number) => digests[number],
    use: (digest) => idle.delete(digest),
    release(digest) {
      if (numbers.has(digest)) idle.add(digest);
    },
  };
}
