import { ScanningError } from './errors.ts';

/**
 * Bytes of one immutable object by range: a local file, a buffer, or one pinned version of an S3 object.
 * `read` resolves to exactly `length` bytes starting at `offset`, always of the same version, and rejects with a
 * `ScanningError` of code `out-of-range` when the range does not lie inside `[0, size)`. It never answers fewer bytes.
 */
export interface RangedReader {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Throws unless `[offset, offset + length)` lies inside `[0, size)`; adapters call it before they read. */
export function assertRange(size: number, offset: number, length: number): void {
  const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!inside || offset + length > size) {
    throw new ScanningError('out-of-range', `bytes ${offset}+${length} lie outside of an object of ${size} bytes`);
  }
}

export function createBufferReader(bytes: Uint8Array): RangedReader {
  return {
    size: bytes.length,
    read(offset, length) {
      try {
        assertRange(bytes.length, offset, length);
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error(String(error)));
      }
      return Promise.resolve(bytes.subarray(offset, offset + length));
    },
  };
}

/** A window of another reader, addressed from zero: a member of an archive. */
export function createSliceReader(reader: RangedReader, start: number, size: number): RangedReader {
  assertRange(reader.size, start, size);
  return {
    size,
    async read(offset, length) {
      assertRange(size, offset, length);
      return reader.read(start + offset, length);
    },
  };
}

/** Serves the first bytes from memory: detection and a format's reader both begin there. */
export function createHeadReader(reader: RangedReader, head: Uint8Array): RangedReader {
  return {
    size: reader.size,
    async read(offset, length) {
      assertRange(reader.size, offset, length);
      return offset + length <= head.length ? head.subarray(offset, offset + length) : reader.read(offset, length);
    },
  };
}

const PAGE = 128 * 1024;
const MAX_PAGES = 64;

/** Reads and keeps whole pages of 128 KiB, the last 64 of them, so that many small reads are few requests. */
export function createPagedReader(reader: RangedReader): RangedReader {
  const pages = new Map<number, Uint8Array>();
  async function page(index: number): Promise<Uint8Array> {
    const known = pages.get(index);
    pages.delete(index);
    const bytes = known ?? (await reader.read(index * PAGE, Math.min(PAGE, reader.size - index * PAGE)));
    pages.set(index, bytes);
    for (const oldest of pages.keys()) {
      if (pages.size <= MAX_PAGES) break;
      pages.delete(oldest);
    }
    return bytes;
  }
  return {
    size: reader.size,
    async read(offset, length) {
      assertRange(reader.size, offset, length);
      const first = Math.floor(offset / PAGE);
      const last = Math.floor(Math.max(offset, offset + length - 1) / PAGE);
      if (length === 0 || last > first + 1) return reader.read(offset, length);
      const start = offset - first * PAGE;
      const head = await page(first);
      if (last === first) return head.subarray(start, start + length);
      return Buffer.concat([head.subarray(start), (await page(last)).subarray(0, start + length - PAGE)]);
    },
  };
}

export interface CountedReader extends RangedReader {
  /** What has been asked of the port so far. */
  readonly bytesRead: number;
  readonly requests: number;
}

/**
 * Counts bytes and requests, refuses with code `budget` before a read that would pass `maxBytes`, and gives errors of the
 * reader behind it the code `port`.
 */
export function createCountedReader(reader: RangedReader, maxBytes: number): CountedReader {
  let bytesRead = 0;
  let requests = 0;
  return {
    size: reader.size,
    get bytesRead() {
      return bytesRead;
    },
    get requests() {
      return requests;
    },
    async read(offset, length) {
      assertRange(reader.size, offset, length);
      if (bytesRead + length > maxBytes) {
        throw new ScanningError('budget', `the scan may read ${maxBytes} bytes and would need more`);
      }
      bytesRead += length;
      requests += 1;
      try {
        return await reader.read(offset, length);
      } catch (error) {
        if (error instanceof ScanningError) throw error;
        throw new ScanningError('port', `bytes ${offset}+${length} could not be read`, error);
      }
    },
  };
}
