import { close, constants, fstat, open, write, writeSync } from 'node:fs';
import { realpath, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { TMPFS_MAGIC } from '../../node/volumeSpace.ts';
import { ALIGNMENT } from './buffers.ts';

const { O_WRONLY, O_NOFOLLOW, O_DIRECT } = constants;
const openFile = promisify(open);
const closeFile = promisify(close);
const statFile = promisify(fstat);

/** An existing file that ranges are written to; shared by all ranges that name it. */
export interface TargetFile {
  /** On a tmpfs. */
  readonly inMemory: boolean;
  /**
   * Writes what lies in a page-aligned buffer from `start` to `end` at `offset` of the file, where offset and start are
   * congruent modulo 4096. Whole pages go past the page cache where the file system lets them. On a tmpfs nothing is waited
   * for, so the calling thread writes at once, which takes less CPU than handing the bytes to another thread.
   */
  write(bytes: Uint8Array, start: number, end: number, offset: number): Promise<void>;
  close(): Promise<void>;
}

export interface Files {
  open(path: string): Promise<TargetFile>;
}

interface Descriptors {
  readonly buffered: number;
  readonly direct: number | undefined;
  readonly inMemory: boolean;
}

interface Opened {
  readonly descriptors: Promise<Descriptors>;
  users: number;
}

export function createFiles(): Files {
  const opened = new Map<string, Opened>();

  async function release(path: string, entry: Opened): Promise<void> {
    entry.users -= 1;
    if (entry.users > 0) return;
    if (opened.get(path) === entry) opened.delete(path);
    const { buffered, direct } = await entry.descriptors;
    if (direct !== undefined) await closeFile(direct);
    await closeFile(buffered);
  }

  return {
    async open(path) {
      const entry = opened.get(path) ?? { descriptors: openBoth(path), users: 0 };
      opened.set(path, entry);
      entry.users += 1;
      try {
        const descriptors = await entry.descriptors;
        return {
          inMemory: descriptors.inMemory,
          async write(bytes, start, end, offset) {
            if (descriptors.inMemory) writeNow(descriptors.buffered, bytes, start, end, offset);
            else await writePages(descriptors, bytes, start, end, offset);
          },
          close: () => release(path, entry),
        };
      } catch (error) {
        await release(path, entry).catch(() => undefined);
        throw error;
      }
    },
  };
}

/** Links are never followed, neither the file nor its folder: the path is the store's own. */
async function openBoth(path: string): Promise<Descriptors> {
  const folder = dirname(path);
  if ((await realpath(folder)) !== folder) throw failure('ELOOP', `${path} lies behind a link.`);
  const buffered = await openFile(path, O_WRONLY | O_NOFOLLOW);
  try {
    if ((await statfs(folder)).type === TMPFS_MAGIC) return { buffered, direct: undefined, inMemory: true };
    const direct = await openFile(path, O_WRONLY | O_NOFOLLOW | O_DIRECT);
    const [one, other] = await Promise.all([statFile(buffered), statFile(direct)]);
    if (one.ino !== other.ino) throw failure('EIO', `${path} was replaced.`);
    return { buffered, direct, inMemory: false };
  } catch (error) {
    // A file system without O_DIRECT: the page cache then.
    if (isInvalid(error)) return { buffered, direct: undefined, inMemory: false };
    await closeFile(buffered);
    throw error;
  }
}

async function writePages(
  { buffered, direct }: Descriptors,
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
): Promise<void> {
  const from = Math.min(end, Math.ceil(start / ALIGNMENT) * ALIGNMENT);
  const to = Math.max(from, Math.floor(end / ALIGNMENT) * ALIGNMENT);
  if (direct === undefined || from === to) return writeAll(buffered, bytes, start, end, offset);
  if (from > start) await writeAll(buffered, bytes, start, from, offset);
  try {
    await writeAll(direct, bytes, from, to, offset + from - start);
  } catch (error) {
    // Opened with O_DIRECT and refused at the write: a device with larger pages.
    if (!isInvalid(error)) throw error;
    await writeAll(buffered, bytes, from, to, offset + from - start);
  }
  if (end > to) await writeAll(buffered, bytes, to, end, offset + to - start);
}

function writeAll(descriptor: number, bytes: Uint8Array, start: number, end: number, offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (from: number): void => {
      write(descriptor, bytes, from, end - from, offset + from - start, (error, written) => {
        if (error !== null) reject(error);
        else if (from + written < end) next(from + written);
        else resolve();
      });
    };
    next(start);
  });
}

function writeNow(descriptor: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
  for (let from = start; from < end; ) from += writeSync(descriptor, bytes, from, end - from, offset + from - start);
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

function isInvalid(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EINVAL';
}
