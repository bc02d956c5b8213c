import { createHash } from 'node:crypto';
import { PartHash } from '../shared/digest.ts';
import { MIB } from '../shared/units.ts';
import { MOST_HEAD_BYTES, readBlock, readBlockHead } from './block.ts';
import { corrupt } from './errors.ts';
import {
  FOOTER_BYTES,
  type Geometry,
  HEADER_BYTES,
  INDEX_ENTRY_BYTES,
  MOST_PARTS,
  type PackedIndex,
  type PackedPart,
  readHeader,
  readTail,
  tailBytes,
} from './layout.ts';
import type { Packed, Write } from './pack.ts';
import { createPieces, type Pieces } from './pieces.ts';

/**
 * Unpacks a stream front to back, in the memory of a few blocks and the index. Each block is handed to `write` when its checksum fits; only
 * when this returns are all bytes those that the digest names: until then nobody may use them. Throws `CompressionError`.
 */
export async function unpack(source: AsyncIterable<Uint8Array>, write: Write, mostParts = MOST_PARTS): Promise<Packed> {
  const pieces = createPieces(source);
  const geometry = readHeader(await pieces.upTo(HEADER_BYTES));
  pieces.take(HEADER_BYTES);
  const parts: PackedPart[] = [];
  let size = 0;
  for (let whole = true; !(await atEnd(pieces)); ) {
    if (!whole) throw corrupt('A part ends before it is full.');
    if (parts.length === mostParts) throw corrupt('It has more parts than a file may have.');
    const offset = pieces.taken();
    const { hash, bytes } = await unpackBlocks(pieces, geometry, write);
    parts.push({ offset, hash });
    size += bytes;
    whole = bytes === geometry.partSize;
  }
  const blocksEnd = pieces.taken();
  // One byte more than there may be: nothing follows.
  const tail = await pieces.upTo(4 + parts.length * INDEX_ENTRY_BYTES + FOOTER_BYTES + 1);
  const index = readTail(geometry, tail, blocksEnd);
  const told = (part: PackedPart, at: number): boolean =>
    part.offset === index.parts[at]?.offset && part.hash === index.parts[at].hash;
  if (index.size !== size || !parts.every(told)) throw corrupt('The bytes are not those that the digest names.');
  return { size, digest: index.digest, packedSize: blocksEnd + tail.length };
}

/** What `unpackPart` reads from: a file, or ranges of an object. */
export interface PackedReader {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Reads header, footer and index: three requests. Throws `CompressionError`. */
export async function readPackedIndex(reader: PackedReader): Promise<PackedIndex> {
  const geometry = readHeader(Buffer.from(await reader.read(0, Math.min(HEADER_BYTES, reader.size))));
  if (reader.size < HEADER_BYTES + 4 + FOOTER_BYTES) throw corrupt('The end of the file is missing.');
  const footer = Buffer.from(await reader.read(reader.size - FOOTER_BYTES, FOOTER_BYTES));
  const length = tailBytes(footer, reader.size);
  const blocksEnd = reader.size - length;
  return readTail(geometry, Buffer.from(await reader.read(blocksEnd, length)), blocksEnd);
}

/**
 * Unpacks one part by itself: parts may be read at once and in any order. `write` gets its bytes block by block; they are those that the
 * digest names once this returns. Reads 1 MiB at a time. Throws `CompressionError`, `RangeError` for a part that is not there, and what `read` throws.
 */
export async function unpackPart(reader: PackedReader, index: PackedIndex, part: number, write: Write): Promise<void> {
  const told = index.parts[part];
  if (told === undefined) throw new RangeError(`there is no part ${part} of ${index.parts.length}`);
  const end = index.parts[part + 1]?.offset ?? index.blocksEnd;
  const pieces = createPieces(ranges(reader, told.offset, end));
  const { hash, bytes } = await unpackBlocks(pieces, index, write);
  const whole = Math.min(index.partSize, index.size - part * index.partSize);
  if (hash !== told.hash || bytes !== whole || pieces.taken() !== end - told.offset) {
    throw corrupt(`Part ${part} is not the one that the digest names.`);
  }
}

async function* ranges(reader: PackedReader, from: number, to: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < to; at += MIB) yield await reader.read(at, Math.min(MIB, to - at));
}

async function atEnd(pieces: Pieces): Promise<boolean> {
  const mark = await pieces.upTo(4);
  if (mark.length < 4) throw corrupt('The file ends within its blocks.');
  return mark.readUInt32LE(0) === 0;
}

/** The blocks of one part, up to its end, the mark after the last block, or the end of what there is. */
async function unpackBlocks(
  pieces: Pieces,
  { partSize, blockSize }: Geometry,
  write: Write,
): Promise<{ readonly hash: PartHash; readonly bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  while (bytes < partSize) {
    const ahead = await pieces.upTo(MOST_HEAD_BYTES);
    if (ahead.length === 0 || (ahead.length >= 4 && ahead.readUInt32LE(0) === 0)) break;
    const head = readBlockHead(ahead, Math.min(blockSize, partSize - bytes));
    const stored = head === undefined ? undefined : await pieces.upTo(head.headBytes + head.bodyBytes);
    if (head === undefined || stored === undefined || stored.length < head.headBytes + head.bodyBytes) {
      throw corrupt('The file ends within a block.');
    }
    const original = readBlock(head, stored.subarray(head.headBytes));
    pieces.take(stored.length);
    hash.update(original);
    bytes += original.length;
    await write(original);
  }
  return { hash: PartHash.parse(hash.digest('hex')), bytes };
}
