import { PortError } from '../../shared/errors.ts';
import type { Disk } from '../../shared/ports/disk.ts';
import { DiskError } from '../../shared/ports/disk.ts';
import { MIB } from '../../shared/units.ts';
import { largerChunks } from './largerChunks.ts';

/*
 * The files that hold the bytes of versions: created loose → filled → sealed → named by a version, or discarded. What a crash left loose
 * is discarded when they are opened.
 */

/** The rows of the files that no version names. */
interface LooseFiles {
  loose(): readonly string[];
  loosen(file: string): void;
  settle(file: string): void;
}

interface ObjectFiles {
  /**
   * Writes a new loose file and answers its name and size; each chunk is shown to `see` once it is written. An error leaves nothing
   * behind.
   */
  fill(
    id: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    see?: (chunk: Uint8Array) => void,
  ): Promise<{ readonly file: string; readonly size: number }>;
  /** Syncs the file and its name. */
  seal(file: string): Promise<void>;
  read(file: string, offset: number, length: number): Promise<Uint8Array>;
  /** The first `size` bytes, in pieces that fit into memory. */
  pieces(file: string, size: number): AsyncIterable<Uint8Array>;
  discard(file: string): Promise<void>;
}

const PIECE_BYTES = 4 * MIB;

export async function openObjectFiles(disk: Disk, index: LooseFiles): Promise<ObjectFiles> {
  await disk.makeDirectory('objects');
  await disk.syncDirectory('.');
  for (const file of index.loose()) await discard(file);

  async function discard(file: string): Promise<void> {
    await disk.remove(file);
    index.settle(file);
  }

  async function create(id: string): Promise<string> {
    const folder = `objects/${id.slice(0, 2)}`;
    const file = `${folder}/${id}`;
    index.loosen(file);
    await disk.makeDirectory(folder);
    await disk.syncDirectory('objects');
    return file;
  }

  return {
    async fill(id, chunks, see) {
      const file = await create(id);
      try {
        let size = 0;
        for await (const chunk of largerChunks(chunks, PIECE_BYTES)) {
          await disk.write(file, size, chunk);
          see?.(chunk);
          size += chunk.byteLength;
        }
        if (size === 0) await disk.write(file, 0, new Uint8Array(0));
        return { file, size };
      } catch (error) {
        // What cannot be removed now is still loose and goes when the store is opened again.
        await discard(file).catch(() => undefined);
        throw asPortError(error);
      }
    },
    async seal(file) {
      await disk.sync(file);
      await disk.syncDirectory(file.slice(0, file.lastIndexOf('/')));
    },
    read: (file, offset, length) => disk.read(file, offset, length),
    async *pieces(file, size) {
      for (let at = 0; at < size; at += PIECE_BYTES) yield await disk.read(file, at, Math.min(PIECE_BYTES, size - at));
    },
    discard,
  };
}

/** What the store's callers see of an error of its disk. */
export function asPortError(error: unknown): unknown {
  if (!(error instanceof DiskError)) return error;
  return new PortError({
    code: error.code === 'not-found' ? 'corrupt' : 'unavailable',
    message: `The disk of the object store answered ${error.code}. Check its free space and its health.`,
    retryable: error.code !== 'not-found',
    cause: error,
  });
}
