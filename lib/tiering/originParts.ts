import type { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { type Blob, storedBytes } from '../catalog/index.ts';
import { GEOMETRY, packPart, readPackedIndex, unpackPart, writeHeader, writeTail } from '../compression/index.ts';
import { partCount } from '../shared/digest.ts';
import type { ObjectStore } from '../shared/ports/objectStore.ts';
import { MIB } from '../shared/units.ts';
import { createOriginReader, loadManifest, piecesOf } from './originReader.ts';

/** What S3 asks of each part but the last. */
const LEAST_PART_BYTES = 5 * MIB;

/** The origin's bytes in another encoding, part by part: each part of the blob is one part of either object. */
export interface OriginParts {
  /** Undefined: the part is not what the digest names, or the packed bytes would not be worth it. */
  readonly partOf: (part: number, sizes: readonly number[]) => Promise<Uint8Array | undefined>;
  /** Why `partOf` answered nothing. */
  why(): { readonly reason: 'source-differs' } | HardlySmaller;
}

export interface HardlySmaller {
  readonly reason: 'hardly-smaller';
  /** Packed ÷ original, of the bytes up to where it was certain. */
  readonly ratio: number;
  readonly sampledBytes: number;
}

/** Packs: each part is hashed while it is read, and must be the one that the manifest names. */
export async function packingParts(
  objects: ObjectStore,
  { from, belowRatio = 1 }: TransitionReplica,
  { digest, size, partSize }: Blob,
): Promise<OriginParts> {
  const manifest = await loadManifest(objects, digest);
  const reader = createOriginReader(objects, digest, from.versionId, size);
  const geometry = { partSize, blockSize: Math.min(GEOMETRY.blockSize, partSize) };
  const count = partCount(size, partSize);
  let why: ReturnType<OriginParts['why']> = { reason: 'source-differs' };
  return {
    why: () => why,
    async partOf(part, sizes) {
      const end = Math.min(size, (part + 1) * partSize);
      const isLast = part === count - 1;
      const packed = await packPart(
        piecesOf(reader, part * partSize, end),
        geometry.blockSize,
        // Smaller parts only tests have, and stores that take them.
        isLast || partSize < LEAST_PART_BYTES ? 0 : LEAST_PART_BYTES,
      );
      if (packed.hash !== manifest.parts[part]) return undefined;
      const header = part === 0 ? [writeHeader(geometry)] : [];
      const before = sizes.reduce((sum, one) => sum + one, 0);
      const blocksEnd = before + packed.bytes + header.reduce((sum, one) => sum + one.length, 0);
      const offsets = [...offsetsOf(sizes), part === 0 ? writeHeader(geometry).length : before];
      const parts = manifest.parts.map((hash, index) => ({ offset: offsets[index] ?? 0, hash }));
      const tail = isLast ? [writeTail({ ...geometry, size, digest, blocksEnd, parts })] : [];
      const total = blocksEnd + tail.reduce((sum, one) => sum + one.length, 0);
      if (total >= belowRatio * size) {
        why = { reason: 'hardly-smaller', ratio: Math.min(1, total / end), sampledBytes: end };
        return undefined;
      }
      return Buffer.concat([...header, ...packed.pieces, ...tail]);
    },
  };
}

/** Of the parts that are there: the first one lies behind the header. */
function offsetsOf(sizes: readonly number[]): readonly number[] {
  let at = 0;
  return sizes.map((size, part) => {
    const offset = part === 0 ? writeHeader(GEOMETRY).length : at;
    at += size;
    return offset;
  });
}

/** Unpacks: each part is checked by the hash that the digest covers before any byte of it is written. Throws what reading throws. */
export async function unpackingParts(
  objects: ObjectStore,
  { from }: TransitionReplica,
  blob: Blob,
): Promise<OriginParts> {
  const reader = createOriginReader(objects, blob.digest, from.versionId, storedBytes(blob));
  const index = await readPackedIndex(reader);
  const isOurs = index.digest === blob.digest && index.size === blob.size && index.partSize === blob.partSize;
  return {
    why: () => ({ reason: 'source-differs' }),
    async partOf(part) {
      if (!isOurs) return undefined;
      const blocks: Uint8Array[] = [];
      await unpackPart(reader, index, part, async (block) => {
        blocks.push(block);
      });
      return Buffer.concat(blocks);
    },
  };
}
