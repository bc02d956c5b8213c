import { openRangedFile, type RangedFile } from '../../lib/adapters/files/rangedFile.ts';
import { MIB } from '../../lib/shared/units.ts';

/** All bytes of a file in order, counted as they are read. */
export async function* bytesOf(file: RangedFile, onBytes: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.size; at += MIB) {
    const bytes = await file.read(at, Math.min(MIB, file.size - at));
    onBytes(bytes.length);
    yield bytes;
  }
}

/** Throws `FileError` where it cannot be read. */
export async function withFile<T>(path: string, use: (file: RangedFile) => Promise<T>): Promise<T> {
  const file = await openRangedFile(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
