/** The front of a stream as one piece of memory, as long as is asked for. */
export interface Pieces {
  /** The next `length` bytes without taking them; fewer only where the stream ends. */
  upTo(length: number): Promise<Buffer>;
  take(length: number): void;
  /** Bytes taken so far. */
  taken(): number;
}

/** Holds what was asked for and one piece of the source, no more. */
export function createPieces(source: AsyncIterable<Uint8Array>): Pieces {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let taken = 0;
  let ended = false;
  return {
    async upTo(length) {
      const more: Uint8Array[] = [];
      for (let bytes = held.length; bytes < length && !ended; ) {
        const next = await iterator.next();
        if (next.done === true) {
          ended = true;
        } else {
          more.push(next.value);
          bytes += next.value.length;
        }
      }
      if (more.length > 0) held = Buffer.concat([held, ...more]);
      return held.subarray(0, length);
    },
    take(length) {
      held = held.subarray(length);
      taken += length;
    },
    taken: () => taken,
  };
}
