import { createHash, type Hash } from 'node:crypto';
import { ALIGNMENT, type BufferPool, type PoolBuffer } from './buffers.ts';
import type { TargetFile } from './files.ts';

/**
 * Where the bytes of one range go, in their order and over all its tries: into pooled buffers, which are hashed and written
 * when they are full or the range ends or pauses.
 */
export interface Sink {
  /** Bytes taken in since the range began. */
  readonly position: number;
  /** Undefined: as many as come. */
  readonly wanted: number | undefined;
  /** Where the next bytes may be put; undefined while the pool has no buffer. Never longer than what is wanted. */
  space(): Uint8Array | undefined;
  /** Whether `space()` is there now; takes a buffer from the pool where one is needed. */
  hasRoom(): boolean;
  /** So many bytes were put into `space()`. */
  took(bytes: number): void;
  /** Calls back once `space()` has room again. */
  whenRoom(ready: () => void): void;
  /** Writes what is there, gives the buffer back, and answers when all writes so far have ended. Rejects with the first error of the file. */
  flush(): Promise<void>;
  /** The first error of the file, as soon as there is one. */
  error(): unknown;
  /** Forgets what was taken in: a range that cannot be continued begins again. */
  restart(): Promise<void>;
  checksums(): { readonly crc32c: number; readonly sha256: string | undefined };
}

export interface SinkOptions {
  readonly pool: BufferPool;
  readonly file: TargetFile;
  readonly offset: number;
  readonly wanted: number | undefined;
  readonly sha256: boolean;
  /** How large a buffer may be, asked for each; undefined: as large as the pool has them. */
  readonly mostBuffer: () => number | undefined;
}

interface Filling {
  readonly buffer: PoolBuffer;
  readonly start: number;
  end: number;
}

export function createSink({ pool, file, offset, wanted, sha256, mostBuffer }: SinkOptions): Sink {
  let position = 0;
  let crc32c = 0;
  let hash: Hash | undefined = sha256 ? createHash('sha256') : undefined;
  let filling: Filling | undefined;
  let failed: { readonly error: unknown } | undefined;
  let stopWaiting: (() => void) | undefined;
  const writes = new Set<Promise<void>>();

  function begin(buffer: PoolBuffer): Filling {
    // Memory and file stay congruent, so that whole pages of the one are whole pages of the other.
    const start = (offset + position) % ALIGNMENT;
    filling = { buffer, start, end: start };
    return filling;
  }

  function room(): Filling | undefined {
    if (filling !== undefined) return filling;
    const buffer = pool.take(mostBuffer());
    return buffer === undefined ? undefined : begin(buffer);
  }

  function writeOut(): void {
    if (filling === undefined) return;
    const { buffer, start, end } = filling;
    filling = undefined;
    if (end === start) {
      pool.give(buffer);
      return;
    }
    const length = end - start;
    crc32c = pool.crc32c.of(buffer.offset + start, length, crc32c);
    hash?.update(buffer.bytes.subarray(start, end));
    const write: Promise<void> = file
      .write(buffer.bytes, start, end, offset + position - length)
      .catch((error: unknown) => {
        failed ??= { error };
      })
      .finally(() => {
        writes.delete(write);
        pool.give(buffer);
      });
    writes.add(write);
  }

  async function flush(): Promise<void> {
    stopWaiting?.();
    stopWaiting = undefined;
    writeOut();
    await Promise.all(writes);
    if (failed !== undefined) throw failed.error;
  }

  return {
    get position() {
      return position;
    },
    wanted,
    space() {
      const current = room();
      if (current === undefined) return undefined;
      const left = wanted === undefined ? current.buffer.bytes.length : wanted - position;
      return current.buffer.bytes.subarray(current.end, current.end + left);
    },
    hasRoom: () => room() !== undefined,
    took(bytes) {
      if (filling === undefined) throw new RangeError('No space was given.');
      filling.end += bytes;
      position += bytes;
      if (filling.end === filling.buffer.bytes.length) writeOut();
    },
    whenRoom(ready) {
      stopWaiting?.();
      stopWaiting = pool.wait((buffer) => {
        stopWaiting = undefined;
        begin(buffer);
        ready();
      });
    },
    flush,
    error: () => failed?.error,
    async restart() {
      await flush();
      position = 0;
      crc32c = 0;
      hash = sha256 ? createHash('sha256') : undefined;
    },
    checksums: () => ({ crc32c, sha256: hash?.digest('hex') }),
  };
}
