import { crc32cOf } from '../shared/crc32c/ofBytes.ts';
import { blobDigest, PartHash, partCount } from '../shared/digest.ts';
import type { Digest } from '../shared/ids.ts';
import { KIB, MIB } from '../shared/units.ts';
import { corrupt, notPacked } from './errors.ts';

// A packed file, all numbers little-endian:
//
//   header   magic (8), u32 part size, u32 block size
//   blocks   u32 original length (never 0), u32 CRC-32C of the original, u8 width, then for each plane u32 (bit 31: a zstd frame;
//            the others: stored length), then the planes' bytes. No block reaches over the end of a part.
//   end      u32 0
//   index    for each part: u64 offset of its first block, SHA-256 of its original bytes (32)
//   footer   u64 original size, u64 offset of the index, digest of the original (32), u32 CRC-32C of header, index and the
//            footer before it, magic (8)
//
// It is written and read front to back without seeking; whoever can seek reads footer and index first, and then any part by itself.

const MAGIC = Buffer.from('\x89STZ1\r\n\x1a', 'latin1');
export const HEADER_BYTES = 16;
export const FOOTER_BYTES = 60;
export const INDEX_ENTRY_BYTES = 40;
export const FRAME_BIT = 0x8000_0000;
const LIMITS = { partBytes: { least: 4 * KIB, most: 64 * MIB }, blockBytes: { least: KIB, most: MIB } };
/** 53 TB in parts of 64 MiB; S3 takes objects of 50. A smaller part size makes no reader remember more. */
export const MOST_PARTS = 800_000;

export interface Geometry {
  readonly partSize: number;
  readonly blockSize: number;
}

export interface PackedPart {
  /** Of its first block in the packed file. */
  readonly offset: number;
  /** Of its original bytes. */
  readonly hash: PartHash;
}

export interface PackedIndex extends Geometry {
  readonly size: number;
  readonly digest: Digest;
  /** Where the blocks end and the index begins, less the mark between them. */
  readonly blocksEnd: number;
  readonly parts: readonly PackedPart[];
}

export function writeHeader({ partSize, blockSize }: Geometry): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(partSize, 8);
  header.writeUInt32LE(blockSize, 12);
  return header;
}

/** Throws `CompressionError` on what is no header of this format. */
export function readHeader(header: Buffer): Geometry {
  if (header.length < HEADER_BYTES || !header.subarray(0, 8).equals(MAGIC)) {
    throw notPacked('This is no file that `strata compress` wrote.');
  }
  const geometry = { partSize: header.readUInt32LE(8), blockSize: header.readUInt32LE(12) };
  const { partBytes, blockBytes } = LIMITS;
  const fits =
    within(geometry.partSize, partBytes) &&
    within(geometry.blockSize, blockBytes) &&
    geometry.blockSize <= geometry.partSize;
  if (!fits)
    throw notPacked(`Parts of ${geometry.partSize} bytes in blocks of ${geometry.blockSize} are out of range.`);
  return geometry;
}

function within(value: number, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return value >= least && value <= most;
}

/** The bytes after the last block: the mark of their end, index and footer. */
export function writeTail({ partSize, blockSize, size, digest, blocksEnd, parts }: PackedIndex): Buffer {
  const tail = Buffer.alloc(4 + parts.length * INDEX_ENTRY_BYTES + FOOTER_BYTES);
  for (const [index, { offset, hash }] of parts.entries()) {
    tail.writeBigUInt64LE(BigInt(offset), 4 + index * INDEX_ENTRY_BYTES);
    tail.write(hash, 4 + index * INDEX_ENTRY_BYTES + 8, 'hex');
  }
  const footer = tail.length - FOOTER_BYTES;
  tail.writeBigUInt64LE(BigInt(size), footer);
  tail.writeBigUInt64LE(BigInt(blocksEnd + 4), footer + 8);
  tail.write(digest, footer + 16, 'hex');
  tail.writeUInt32LE(checksum(writeHeader({ partSize, blockSize }), tail), footer + 48);
  MAGIC.copy(tail, footer + 52);
  return tail;
}

/** How many bytes the tail takes by its own footer, so that the rest of it can be read. Throws `CompressionError`. */
export function tailBytes(footer: Buffer, fileSize: number): number {
  if (footer.length < FOOTER_BYTES || !footer.subarray(52, 60).equals(MAGIC)) {
    throw corrupt('The end of the file is missing.');
  }
  const indexAt = footer.readBigUInt64LE(8);
  const bytes = BigInt(fileSize) - indexAt + 4n;
  if (
    bytes < BigInt(4 + FOOTER_BYTES) ||
    bytes > BigInt(4 + MOST_PARTS * INDEX_ENTRY_BYTES + FOOTER_BYTES) ||
    indexAt < BigInt(HEADER_BYTES + 4)
  ) {
    throw corrupt('The index does not fit the file.');
  }
  return Number(bytes);
}

/** Reads and checks mark, index and footer. Throws `CompressionError` unless every number in them fits the others. */
export function readTail(geometry: Geometry, tail: Buffer, blocksEnd: number): PackedIndex {
  const { partSize, blockSize } = geometry;
  const footer = tail.length - FOOTER_BYTES;
  if (footer < 4 || tail.readUInt32LE(0) !== 0 || !tail.subarray(footer + 52).equals(MAGIC)) {
    throw corrupt('The end of the file is missing.');
  }
  if (tail.readUInt32LE(footer + 48) !== checksum(writeHeader(geometry), tail))
    throw corrupt('The index is not whole.');
  const size = Number(tail.readBigUInt64LE(footer));
  const count = partCount(size, partSize);
  const fits =
    Number.isSafeInteger(size) &&
    footer === 4 + count * INDEX_ENTRY_BYTES &&
    tail.readBigUInt64LE(footer + 8) === BigInt(blocksEnd + 4);
  if (!fits) throw corrupt('The index does not fit the file.');
  const parts = Array.from({ length: count }, (_, index) => {
    const at = 4 + index * INDEX_ENTRY_BYTES;
    const offset = Number(tail.readBigUInt64LE(at));
    return { offset, hash: PartHash.parse(tail.toString('hex', at + 8, at + INDEX_ENTRY_BYTES)) };
  });
  checkOffsets(parts, blocksEnd);
  const hashes = parts.map(({ hash }) => hash);
  const digest = blobDigest(size, partSize, hashes);
  if (digest !== tail.toString('hex', footer + 16, footer + 48)) throw corrupt('The digest is not that of the parts.');
  return { partSize, blockSize, size, digest, blocksEnd, parts };
}

function checkOffsets(parts: PackedIndex['parts'], blocksEnd: number): void {
  let before = HEADER_BYTES;
  for (const [index, { offset }] of parts.entries()) {
    if (index === 0 ? offset !== HEADER_BYTES : offset <= before) throw corrupt('The parts lie in no order.');
    before = offset;
  }
  if (parts.length === 0 ? blocksEnd !== HEADER_BYTES : before >= blocksEnd)
    throw corrupt('The parts lie in no order.');
}

function checksum(header: Buffer, tail: Buffer): number {
  return crc32cOf(tail.subarray(0, tail.length - 12), crc32cOf(header)) >>> 0;
}
