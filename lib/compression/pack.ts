import { createHash, type Hash } from 'node:crypto';
import { blobDigest, PART_SIZE, PartHash } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import { KIB } from '../shared/units.ts';
import { writeBlock } from './block.ts';
import { type Geometry, type PackedPart, writeHeader, writeTail } from './layout.ts';

/** Parts as the digest has them, and blocks that a codec's caches hold. */
export const GEOMETRY: Geometry = { partSize: PART_SIZE, blockSize: 256 * KIB };

export interface Packed {
  /** Of the original bytes. */
  readonly size: number;
  readonly digest: Digest;
  readonly packedSize: number;
}

/** Takes the next bytes in order; they are its own only until its promise settles. */
export type Write = (bytes: Uint8Array) => Promise<void>;

/**
 * Packs a stream front to back: `write` gets the bytes of the packed file in order. Takes the memory of one block besides what `source`
 * hands over. The digest is the blob digest of the original where the parts have the size of Strata's own.
 */
export async function pack(
  source: AsyncIterable<Uint8Array>,
  write: Write,
  geometry: Geometry = GEOMETRY,
): Promise<Packed> {
  const { partSize, blockSize } = geometry;
  const parts: PackedPart[] = [];
  const block = new Uint8Array(blockSize);
  let filled = 0;
  let size = 0;
  let written = 0;
  let part: { readonly hash: Hash; readonly offset: number; bytes: number } | undefined;

  async function put(bytes: Uint8Array): Promise<void> {
    await write(bytes);
    written += bytes.length;
  }
  async function endBlock(): Promise<void> {
    part ??= { hash: createHash('sha256'), offset: written, bytes: 0 };
    const bytes = block.subarray(0, filled);
    part.hash.update(bytes);
    part.bytes += filled;
    size += filled;
    filled = 0;
    for (const piece of writeBlock(bytes)) await put(piece);
    if (part.bytes === partSize) endPart(part);
  }
  function endPart({ hash, offset }: NonNullable<typeof part>): void {
    parts.push({ offset, hash: PartHash.parse(hash.digest('hex')) });
    part = undefined;
  }

  await put(writeHeader(geometry));
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; ) {
      const room = Math.min(blockSize, partSize - (part?.bytes ?? 0)) - filled;
      const piece = bytes.subarray(at, at + room);
      block.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (piece.length === room) await endBlock();
    }
  }
  if (filled > 0) await endBlock();
  if (part !== undefined) endPart(part);
  const digest = blobDigest(
    size,
    partSize,
    parts.map(({ hash }) => hash),
  );
  await put(writeTail({ ...geometry, size, digest, blocksEnd: written, parts }));
  return { size, digest, packedSize: written };
}
