import { constants } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';

const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/*
 * Files that lie beside what they become, under names that anybody can guess. Whoever may write into the folder can put a link there at any
 * moment, also between the removal of one and the next open: so none is opened through a link, and a new one is opened only where nothing lies.
 */

/** A new empty file, for reading and writing. Rejects with EEXIST where anything lies there. */
export function openNew(path: string, mode: number): Promise<FileHandle> {
  return open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
}

/** The same, in the place of what lay there; what a link led to stays as it is. */
export async function openAnew(path: string, mode: number): Promise<FileHandle> {
  await rm(path, { force: true });
  return openNew(path, mode);
}

/** What was written before, for reading and writing. Rejects with ELOOP for a link, and with EEXIST for what is no file of its own. */
export async function openAgain(path: string): Promise<FileHandle> {
  const file = await open(path, O_RDWR | O_NOFOLLOW);
  try {
    const found = await file.stat();
    if (found.isFile() && found.nlink === 1) return file;
    throw Object.assign(new Error(`${path} is also called otherwise, or is no file.`), { code: 'EEXIST' });
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** A small file with this text, in the place of what lay there. */
export async function writeAnew(path: string, text: string, mode: number): Promise<void> {
  const file = await openAnew(path, mode);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}
