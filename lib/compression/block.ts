import { constants, zstdDecompressSync } from 'node:zlib';
import { crc32cOf } from '../shared/crc32c/ofBytes.ts';
import { corrupt } from './errors.ts';
import { FRAME_BIT } from './layout.ts';
import { packBlock, type PackedBlock } from './packBlock.ts';
import { joinPlanes, planeLength, WIDTHS, type Width } from './planes.ts';

/** Original length, CRC-32C, width. */
const FIXED_BYTES = 9;
const MOST_WIDTH = 8;
/** The largest head of a block: so many bytes tell how long the block is. */
export const MOST_HEAD_BYTES = FIXED_BYTES + 4 * MOST_WIDTH;
/** Windows of frames are no larger than the largest block, 1 MiB. */
const UNPACK_PARAMS = { [constants.ZSTD_d_windowLogMax]: 20 };

/** A block as it is stored: head and planes. `raw`: its bytes as they are, whatever they would pack to. */
export function writeBlock(bytes: Uint8Array, raw = false): readonly Uint8Array[] {
  const { width, planes }: PackedBlock = raw ? { width: 1, planes: [{ packed: false, bytes }] } : packBlock(bytes);
  const head = Buffer.alloc(FIXED_BYTES + 4 * width);
  head.writeUInt32LE(bytes.length, 0);
  head.writeUInt32LE(crc32cOf(bytes) >>> 0, 4);
  head.writeUInt8(width, 8);
  for (const [index, plane] of planes.entries()) {
    head.writeUInt32LE(plane.packed ? plane.bytes.length + FRAME_BIT : plane.bytes.length, FIXED_BYTES + 4 * index);
  }
  return [head, ...planes.map((plane) => plane.bytes)];
}

export interface BlockHead {
  readonly length: number;
  readonly checksum: number;
  readonly width: Width;
  readonly planes: readonly { readonly packed: boolean; readonly stored: number }[];
  readonly headBytes: number;
  /** Of all planes. */
  readonly bodyBytes: number;
}

/**
 * The head at the beginning of `bytes`; undefined where more bytes are needed to tell. `room` is how many bytes the block may have at most.
 * Throws `CompressionError` before anything is allocated by a number that the file says.
 */
export function readBlockHead(bytes: Buffer, room: number): BlockHead | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const length = bytes.readUInt32LE(0);
  const width = WIDTHS.find((candidate) => candidate === bytes.readUInt8(8));
  if (width === undefined || length === 0 || length > room) throw corrupt('A block has an impossible head.');
  const headBytes = FIXED_BYTES + 4 * width;
  if (bytes.length < headBytes) return undefined;
  const planes = Array.from({ length: width }, (_, plane) => {
    const word = bytes.readUInt32LE(FIXED_BYTES + 4 * plane);
    const packed = word >= FRAME_BIT;
    const stored = packed ? word - FRAME_BIT : word;
    const whole = planeLength(length, width, plane);
    if (packed ? stored >= whole : stored !== whole) throw corrupt('A block has an impossible head.');
    return { packed, stored };
  });
  const bodyBytes = planes.reduce((sum, { stored }) => sum + stored, 0);
  return { length, checksum: bytes.readUInt32LE(4), width, planes, headBytes, bodyBytes };
}

/** The original bytes, checked. Takes as much memory as they and one copy of them. Throws `CompressionError`. */
export function readBlock({ length, checksum, width, planes }: BlockHead, body: Buffer): Uint8Array {
  let at = 0;
  const originals = planes.map(({ packed, stored }, plane) => {
    const bytes = body.subarray(at, at + stored);
    at += stored;
    return packed ? unpackFrame(bytes, planeLength(length, width, plane)) : bytes;
  });
  const original = joinPlanes(originals, length);
  if (crc32cOf(original) >>> 0 !== checksum) throw corrupt('A block has another checksum than it was written with.');
  return original;
}

function unpackFrame(frame: Buffer, length: number): Uint8Array {
  let plane: Buffer;
  try {
    plane = zstdDecompressSync(frame, { maxOutputLength: length, params: UNPACK_PARAMS });
  } catch (error) {
    throw corrupt(`A plane cannot be decompressed (${error instanceof Error ? error.message : 'unknown'}).`);
  }
  if (plane.length !== length) throw corrupt('A plane has another length than it was written with.');
  return plane;
}
