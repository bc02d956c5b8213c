import type { Blob } from '../catalog/index.ts';
import { createUnpackedReader, type UnpackedReader } from '../compression/index.ts';
import type { RangedReader } from '../scanning/index.ts';
import { blobKey } from '../shared/digest.ts';
import type { ObjectReader } from '../shared/ports/objectStore.ts';
import { pinnedReader } from './pinnedReader.ts';

/**
 * The bytes of a blob for the scanner, however its origin holds them: of a packed one each part is unpacked, and checked, before a byte of it is
 * judged. Reading throws `UnreadableUpload`, `CompressionError`, or the store's retryable errors.
 */
export function blobReader(objects: ObjectReader, { digest, size, origin }: Blob): RangedReader {
  const { packed, versionId } = origin;
  const key = blobKey(digest);
  if (packed === undefined) return pinnedReader(objects, { key, versionId, size });
  const stored = pinnedReader(objects, { key, versionId, size: packed.bytes });
  let opened: Promise<UnpackedReader> | undefined;
  return {
    size,
    async read(offset, length) {
      opened ??= createUnpackedReader(stored);
      return (await opened).read(offset, length);
    },
  };
}
