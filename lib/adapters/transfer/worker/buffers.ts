import { type Crc32c, createCrc32c, RESERVED_BYTES } from '../../../shared/crc32c/index.ts';

/** Of memory pages, and what O_DIRECT asks for on every common device. */
export const ALIGNMENT = 4096;

/** One page-aligned piece of the pool. */
export interface PoolBuffer {
  readonly bytes: Uint8Array;
  /** Where it lies in the memory that `crc32c` reads. */
  readonly offset: number;
}

/**
 * A fixed amount of memory, shared by all connections of a worker; what is not there has to be waited for, so memory stays
 * bounded whatever the number of connections. Buffers are large while few ask and small while many do. They lie in one
 * WebAssembly memory, where their checksums are computed in place.
 */
export interface BufferPool {
  readonly crc32c: Crc32c;
  /** How many ranges are being read: each shall find two buffers. */
  shareAmong(ranges: number): void;
  /** Of at most so many bytes, a power of two, or what is there of less. */
  take(most?: number): PoolBuffer | undefined;
  /** Calls back with a buffer as soon as one is free, in the order of asking; answers a way to stop waiting. */
  wait(granted: (buffer: PoolBuffer) => void): () => void;
  give(buffer: PoolBuffer): void;
}

const WASM_PAGE = 65_536;
const LEAST = 64 * 1024;
/** A write of this size is as fast as any larger one. */
const MOST = 1024 * 1024;

/** A buddy allocator (Knowlton 1965): blocks of powers of two, halved when smaller ones are asked for, joined when both halves are free. */
export function createBufferPool(poolBytes: number): BufferPool {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((RESERVED_BYTES + poolBytes) / WASM_PAGE) });
  /** Free blocks by their size; the newest last, since it is still in the processor's cache. */
  const free = new Map<number, number[]>();
  for (let size = LEAST; size <= MOST; size *= 2) free.set(size, []);
  const blocks = Math.max(1, Math.floor(poolBytes / MOST));
  free.set(
    MOST,
    Array.from({ length: blocks }, (_, index) => index * MOST),
  );
  const waiting = new Set<(buffer: PoolBuffer) => void>();
  let preferred = MOST;

  const blocksOf = (size: number): number[] => free.get(size) ?? [];
  const bufferAt = (at: number, size: number): PoolBuffer => {
    const offset = RESERVED_BYTES + at;
    return { bytes: new Uint8Array(memory.buffer, offset, size), offset };
  };

  function allocate(size: number): number | undefined {
    const found = blocksOf(size).pop();
    if (found !== undefined || size === MOST) return found;
    const larger = allocate(size * 2);
    if (larger !== undefined) blocksOf(size).push(larger + size);
    return larger;
  }

  function release(at: number, size: number): void {
    const buddy = at ^ size;
    const index = size === MOST ? -1 : blocksOf(size).indexOf(buddy);
    if (index < 0) {
      blocksOf(size).push(at);
      return;
    }
    blocksOf(size).splice(index, 1);
    release(Math.min(at, buddy), size * 2);
  }

  return {
    crc32c: createCrc32c(memory),
    shareAmong(ranges) {
      const even = (blocks * MOST) / (2 * Math.max(1, ranges));
      preferred = Math.min(MOST, Math.max(LEAST, 2 ** Math.floor(Math.log2(even))));
    },
    take(most = MOST) {
      for (let size = Math.min(preferred, most); size >= LEAST; size /= 2) {
        const at = allocate(size);
        if (at !== undefined) return bufferAt(at, size);
      }
      return undefined;
    },
    wait(granted) {
      waiting.add(granted);
      return () => waiting.delete(granted);
    },
    give(buffer) {
      const [next] = waiting;
      if (next === undefined) {
        release(buffer.offset - RESERVED_BYTES, buffer.bytes.length);
        return;
      }
      waiting.delete(next);
      next(buffer);
    },
  };
}
