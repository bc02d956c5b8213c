import type { RangedFile } from '../../lib/adapters/files/rangedFile.ts';
import { type Packed, readPackedIndex, unpackPart, type Write } from '../../lib/compression/index.ts';

/** Unpacks a whole packed file part by part; never more bytes than its checked index says. Throws `CompressionError`, `FileError`. */
export async function unpackFile(file: RangedFile, write: Write): Promise<Packed> {
  const index = await readPackedIndex(file);
  for (const part of index.parts.keys()) await unpackPart(file, index, part, write);
  return { size: index.size, digest: index.digest, packedSize: file.size };
}
