import type { Digest } from '../../lib/shared/ids.ts';

/** Runs one piece of work at a time, in the order of asking. */
export interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    take(work) {
      const mine = last.then(work);
      // The next one waits for the end of this one, however it ended.
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** One piece of work at a time for each blob. */
export interface BlobTurns {
  take<T>(digest: Digest, work: () => Promise<T>): Promise<T>;
  busy(digest: Digest): boolean;
  /** Whether others wait for the end of the work that runs. */
  awaited(digest: Digest): boolean;
}

export function createBlobTurns(): BlobTurns {
  const lines = new Map<Digest, { readonly turns: Turns; waiting: number }>();
  return {
    async take(digest, work) {
      const line = lines.get(digest) ?? { turns: createTurns(), waiting: 0 };
      lines.set(digest, line);
      line.waiting += 1;
      try {
        return await line.turns.take(work);
      } finally {
        line.waiting -= 1;
        if (line.waiting === 0) lines.delete(digest);
      }
    },
    busy: (digest) => lines.has(digest),
    awaited: (digest) => (lines.get(digest)?.waiting ?? 0) > 1,
  };
}
