import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { assertRange, type RangedReader } from '../../scanning/index.ts';
import { errorText } from '../../shared/errors.ts';
import { FileError } from './lineFile.ts';

export interface RangedFile extends RangedReader {
  /** Whether the file is still the one that was opened: no write, no truncation. Asked after the last read. */
  unchanged(): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Opens a local file for ranged reads. All reads go to the file that was opened, also when its name is given to another.
 * @throws FileError `unreadable-file`, also for anything but a regular file
 */
export async function openRangedFile(path: string): Promise<RangedFile> {
  // Not blocking: to open a pipe would wait for whoever writes to it.
  const handle = await attempt(path, () => open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  const before = await attempt(path, () => handle.stat({ bigint: true }));
  if (!before.isFile()) {
    await handle.close();
    throw new FileError({ code: 'unreadable-file', message: `${path} is no regular file`, retryable: false });
  }
  const size = Number(before.size);
  return {
    size,
    async read(offset, length) {
      assertRange(size, offset, length);
      return attempt(path, () => readExactly(handle, offset, length));
    },
    async unchanged() {
      const now = await handle.stat({ bigint: true });
      return now.size === before.size && now.mtimeNs === before.mtimeNs && now.ctimeNs === before.ctimeNs;
    },
    close: () => handle.close(),
  };
}

async function readExactly(handle: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw new Error('the file became shorter');
    filled += bytesRead;
  }
  return bytes;
}

async function attempt<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = `cannot read ${path}: ${errorText(cause)}`;
    throw new FileError({ code: 'unreadable-file', message, retryable: false, cause });
  }
}
