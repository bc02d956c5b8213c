import { execFile } from 'node:child_process';
import { type FileHandle, statfs } from 'node:fs/promises';
import { MIB } from '../../shared/units.ts';
import { DiskError } from '../../shared/ports/disk.ts';
import { TMPFS_MAGIC, volumeSpace } from './volumeSpace.ts';

/**
 * Makes the file at least `size` bytes long with every block of them on the device. Node has no fallocate(2), so the
 * tool of util-linux does it; where there is none, or the file system cannot, each byte is written once (what is there
 * stays: it is read and written back).
 */
export async function claimBlocks(file: FileHandle, path: string, size: number): Promise<void> {
  if (size === 0) return;
  const answer = await runFallocate(path, size);
  if (answer === 'claimed') return;
  if (answer === 'no-space') throw noRoom(size, path);
  const chunk = Buffer.alloc(MIB);
  for (let offset = 0; offset < size; offset += chunk.byteLength) {
    const length = Math.min(chunk.byteLength, size - offset);
    const { bytesRead } = await file.read(chunk, 0, length, offset);
    chunk.fill(0, bytesRead, length);
    await file.write(chunk, 0, length, offset);
  }
}

/**
 * As `claimBlocks`, but on a tmpfs only the length: claiming its pages would take a third of the time in which a GiB comes over
 * loopback. Room must be there at this moment; a later write may still meet a full volume.
 */
export async function makeRoom(file: FileHandle, path: string, size: number): Promise<void> {
  if ((await statfs(path)).type !== TMPFS_MAGIC) return claimBlocks(file, path, size);
  const [{ freeBytes }, { blocks }] = await Promise.all([volumeSpace(path), file.stat()]);
  // st_blocks counts units of 512 bytes whatever the file system's block size is.
  if (freeBytes < size - blocks * 512) throw noRoom(size, path);
  await file.truncate(size);
}

function noRoom(size: number, path: string): DiskError {
  return new DiskError('no-space', `No room for ${size} bytes at ${path}.`);
}

function runFallocate(path: string, size: number): Promise<'claimed' | 'no-space' | 'unsupported'> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'], LC_ALL: 'C' } };
    execFile('fallocate', ['--length', String(size), '--', path], options, (error, _stdout, stderr) => {
      if (error === null) resolve('claimed');
      else resolve(/No space left|Disk quota exceeded/.test(stderr) ? 'no-space' : 'unsupported');
    });
  });
}
