import { execFile } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import { MIB } from '../../shared/units.ts';
import { DiskError } from '../../shared/ports/disk.ts';

/**
 * Makes the file at least `size` bytes long with every block of them on the device. Node has no fallocate(2), so the
 * tool of util-linux does it; where there is none, or the file system cannot, each byte is written once (what is there
 * stays: it is read and written back).
 */
export async function claimBlocks(file: FileHandle, path: string, size: number): Promise<void> {
  if (size === 0) return;
  const answer = await runFallocate(path, size);
  if (answer === 'claimed') return;
  if (answer === 'no-space') throw new DiskError('no-space', `No room for ${size} bytes at ${path}.`);
  const chunk = Buffer.alloc(MIB);
  for (let offset = 0; offset < size; offset += chunk.byteLength) {
    const length = Math.min(chunk.byteLength, size - offset);
    const { bytesRead } = await file.read(chunk, 0, length, offset);
    chunk.fill(0, bytesRead, length);
    await file.write(chunk, 0, length, offset);
  }
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
