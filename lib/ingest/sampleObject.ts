import type { Compressibility } from '../catalog/index.ts';
import { measureCompressibility } from '../compression/index.ts';
import { Bytes } from '../shared/units.ts';
import type { IngestDeps } from './deps.ts';
import type { PinnedObject } from './hashParts.ts';
import { pinnedReader, UnreadableUpload } from './pinnedReader.ts';

/** How small the bytes of one object version would get, or why they cannot be read. Reads up to 1 MiB in up to 16 requests. */
export async function sampleObject(
  { objects }: Pick<IngestDeps, 'objects'>,
  pinned: PinnedObject,
): Promise<Compressibility | UnreadableUpload['outcome']> {
  const reader = pinnedReader(objects, pinned);
  try {
    const measured = await measureCompressibility(pinned.size, (offset, length) => reader.read(offset, length));
    return { ...measured, sampledBytes: Bytes.parse(measured.sampledBytes) };
  } catch (error) {
    if (error instanceof UnreadableUpload) return error.outcome;
    throw error;
  }
}
