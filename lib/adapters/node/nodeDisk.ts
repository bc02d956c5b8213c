import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Disk, FileStat } from '../../shared/ports/disk.ts';
import { DiskError } from '../../shared/ports/disk.ts';
import { diskSegments } from '../diskPath.ts';
import { claimBlocks } from './claimBlocks.ts';
import { linksBelow } from './linksBelow.ts';
import { createMediumReads } from './mediumReads.ts';
import { volumeSpace } from './volumeSpace.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_NOFOLLOW, O_DIRECTORY } = constants;

/**
 * The `Disk` port on the folder `root`, which exists. Every call opens what it needs by path and closes it again.
 * No link below `root` is followed, neither as the last segment nor on the way to it.
 */
export async function createNodeDisk(root: string): Promise<Disk> {
  const base = await fs.realpath(root);
  const readMedium = createMediumReads();

  /** The absolute path, after making sure that no folder on the way is a link. */
  async function resolve(path: string): Promise<string> {
    const full = join(base, ...diskSegments(path));
    const parent = full === base ? base : dirname(full);
    if ((await fs.realpath(parent)) !== parent) throw new DiskError('denied', `${path} lies behind a link.`);
    return full;
  }

  function on<T>(path: string, work: (full: string) => Promise<T>): Promise<T> {
    return mapErrors(path, async () => work(await resolve(path)));
  }

  function withFile<T>(path: string, flags: number, work: (file: FileHandle, full: string) => Promise<T>): Promise<T> {
    return on(path, async (full) => {
      const file = await fs.open(full, flags | O_NOFOLLOW, 0o600);
      try {
        return await work(file, full);
      } finally {
        await file.close();
      }
    });
  }

  return {
    write: (path, offset, bytes) => withFile(path, O_WRONLY | O_CREAT, (file) => writeAll(file, offset, bytes)),
    async read(path, offset, length, from) {
      const direct = from === 'medium' ? await on(path, (full) => readMedium(full, offset, length)) : undefined;
      return direct ?? withFile(path, O_RDONLY, (file) => readUpTo(file, offset, length));
    },
    truncate: (path, size) => withFile(path, O_WRONLY, (file) => file.truncate(size)),
    allocate: (path, size) => withFile(path, O_RDWR | O_CREAT, (file, full) => claimBlocks(file, full, size)),
    sync: (path) => withFile(path, O_RDONLY, (file) => file.sync()),
    syncDirectory: (path) => withFile(path, O_RDONLY | O_DIRECTORY, (file) => file.sync()),
    rename: (from, to) => on(from, (source) => on(to, (target) => fs.rename(source, target))),
    remove: (path) => absentIsFine(on(path, (full) => fs.unlink(full))),
    async makeDirectory(path) {
      const segments = diskSegments(path);
      for (let depth = 1; depth <= segments.length; depth += 1) {
        await on(segments.slice(0, depth).join('/'), makeOneDirectory);
      }
    },
    list: (path) => on(path, async (full) => (await fs.readdir(full)).toSorted()),
    async stat(path) {
      return (await absentIsFine(on(path, (full) => fs.lstat(full).then(statOf)))) ?? undefined;
    },
    symlink: (target, path) => on(path, (full) => replaceLink(target, full)),
    readLinks: (path) => on(path, (full) => linksBelow(full, path)),
    setReadOnly: (path) => withFile(path, O_RDONLY, (file) => file.chmod(0o444)),
    space: (path = '.') => on(path, volumeSpace),
  };
}

async function writeAll(file: FileHandle, offset: number, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.byteLength) {
    const { bytesWritten } = await file.write(bytes, written, bytes.byteLength - written, offset + written);
    written += bytesWritten;
  }
}

async function readUpTo(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function makeOneDirectory(full: string): Promise<void> {
  try {
    await fs.mkdir(full, 0o755);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await fs.lstat(full)).isDirectory()) throw error;
  }
}

/**
 * A link is made under a neighbouring name and renamed over the old one, so that readers always find one of the two. No name of
 * a model, a version or a file has a tilde.
 */
async function replaceLink(target: string, full: string): Promise<void> {
  const old = await fs.lstat(full).catch(() => undefined);
  if (old !== undefined && !old.isSymbolicLink()) throw new DiskError('exists', `${full} is no link.`);
  const fresh = `${full}~`;
  await fs.rm(fresh, { force: true });
  await fs.symlink(target, fresh);
  await fs.rename(fresh, full);
}

function statOf(found: Awaited<ReturnType<typeof fs.lstat>>): FileStat {
  const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'link' : 'other';
  return {
    size: Number(found.size),
    // st_blocks counts units of 512 bytes whatever the file system's block size is.
    allocatedBytes: Number(found.blocks) * 512,
    kind,
    modifiedMs: Number(found.mtimeMs),
  };
}

const CODES: Readonly<Record<string, DiskError['code']>> = {
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EEXIST: 'exists',
  ENOTEMPTY: 'not-empty',
  EACCES: 'denied',
  EPERM: 'denied',
  ELOOP: 'denied',
  EISDIR: 'denied',
};

async function mapErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DiskError) throw error;
    const errno = errnoOf(error);
    throw new DiskError(CODES[errno ?? ''] ?? 'io', `${path}: ${errno ?? 'failed'}`, error);
  }
}

async function absentIsFine<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DiskError && error.code === 'not-found') return undefined;
    throw error;
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
