import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorText, StrataError } from '../../shared/errors.ts';

const GZIP_MAGIC = [0x1f, 0x8b];
const CHUNK_BYTES = 256 * 1024;

export class FileError extends StrataError<'unreadable-file'> {}

/** Called about once per chunk with the bytes of the file (still compressed) that were read so far. */
export type ReadProgress = (bytesDone: number, totalBytes: number) => void;

/**
 * Reads a text file, gzipped or not (told by its first bytes), as runs of whole lines; memory stays at a few chunks. Bytes
 * are taken as Latin-1, which keeps names distinct without the cost of decoding.
 * @throws FileError `unreadable-file`, also for a truncated gzip
 */
export async function* readLines(path: string, onProgress: ReadProgress = () => {}): AsyncGenerator<readonly string[]> {
  let rest = '';
  try {
    for await (const chunk of readBytes(path, onProgress)) {
      const lines = (rest + chunk.toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) yield lines;
    }
  } catch (cause) {
    const message = `cannot read ${path}: ${errorText(cause)}`;
    throw new FileError({ code: 'unreadable-file', message, retryable: false, cause });
  }
  if (rest !== '') yield [rest];
}

async function* readBytes(path: string, onProgress: ReadProgress): AsyncGenerator<Buffer> {
  const { gzip, totalBytes } = await inspect(path);
  const source = Readable.from(counted(createReadStream(path, { highWaterMark: CHUNK_BYTES }), totalBytes, onProgress));
  // The callback has nothing to add: an error destroys the gunzip stream, whose reader then throws it.
  yield* gzip ? pipeline(source, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : source;
}

async function* counted(
  file: AsyncIterable<Buffer>,
  totalBytes: number,
  onProgress: ReadProgress,
): AsyncGenerator<Buffer> {
  let bytesDone = 0;
  for await (const chunk of file) {
    bytesDone += chunk.length;
    onProgress(bytesDone, totalBytes);
    yield chunk;
  }
}

async function inspect(path: string): Promise<{ gzip: boolean; totalBytes: number }> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    const gzip = bytesRead === 2 && GZIP_MAGIC.every((byte, index) => buffer[index] === byte);
    return { gzip, totalBytes: (await handle.stat()).size };
  } finally {
    await handle.close();
  }
}
