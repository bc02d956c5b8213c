import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const { O_RDONLY, O_NOFOLLOW, O_DIRECT } = constants;

/** What O_DIRECT asks of buffer, offset and length on every common device. */
const ALIGNMENT = 4096;
/** Of WebAssembly, 64 KiB each: 1 MiB is read at once. */
const BUFFER_PAGES = 16;

/**
 * Reads past the page cache: what lies on the medium, not what the kernel remembers of it. One read at a time, since all
 * share one page-aligned buffer, which is made for the first. Answers undefined where the file system takes no O_DIRECT.
 */
export function createMediumReads(): (full: string, offset: number, length: number) => Promise<Uint8Array | undefined> {
  let buffer: Uint8Array | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function read(full: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    // Memory of WebAssembly begins at a page; that of a Buffer begins anywhere.
    buffer ??= new Uint8Array(new WebAssembly.Memory({ initial: BUFFER_PAGES }).buffer);
    let file: FileHandle | undefined;
    try {
      file = await open(full, O_RDONLY | O_NOFOLLOW | O_DIRECT);
      return await readPages(file, buffer, offset, length);
    } catch (error) {
      // Refused when it is opened (older tmpfs), or when it is read (a device with larger pages).
      if (error instanceof Error && 'code' in error && error.code === 'EINVAL') return undefined;
      throw error;
    } finally {
      await file?.close();
    }
  }

  return (full, offset, length) => {
    const mine = last.then(() => read(full, offset, length));
    last = mine.catch(() => undefined);
    return mine;
  };
}

/** Whole pages around what is wanted, of which that is kept; fewer bytes only at the end of the file. */
async function readPages(file: FileHandle, buffer: Uint8Array, offset: number, length: number): Promise<Uint8Array> {
  const wanted = Buffer.allocUnsafe(length);
  const end = offset + length;
  let filled = 0;
  for (let at = offset - (offset % ALIGNMENT); at < end; ) {
    const pages = Math.ceil((end - at) / ALIGNMENT) * ALIGNMENT;
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, pages), at);
    const kept = buffer.subarray(offset + filled - at, Math.min(bytesRead, end - at));
    wanted.set(kept, filled);
    filled += kept.length;
    at += bytesRead;
    // Only the end of a file lies within a page.
    if (bytesRead % ALIGNMENT !== 0 || bytesRead === 0) break;
  }
  return wanted.subarray(0, filled);
}
