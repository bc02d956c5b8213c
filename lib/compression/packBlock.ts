import { constants, zstdCompressSync } from 'node:zlib';
import { leastEntropyWidth, MOST_COUNTED } from './planeEntropy.ts';
import { splitPlanes, WIDTHS, type Width } from './planes.ts';

/** Enough to tell which width fits, of a block that is larger. */
const TRIAL_BYTES = MOST_COUNTED;

/**
 * Bytes of weights repeat by chance, and a match that chance brought costs more than the entropy code of its bytes: with a table of 64 places and
 * matches from seven bytes on, zstd's fastest level finds runs and hardly anything else, and packs exponents as small as level 19 does.
 */
const PLANE_PARAMS = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_minMatch]: 7,
  [constants.ZSTD_c_hashLog]: 6,
};
const WHOLE_PARAMS = { [constants.ZSTD_c_compressionLevel]: 3 };

/** What a frame takes besides bytes that do not get smaller: so each fits into one piece of output, which is not allocated larger than needed. */
const FRAME_ROOM = 64;

export interface PackedPlane {
  /** Whether `bytes` is a zstd frame; else they are the plane's own, which zstd would not make smaller. */
  readonly packed: boolean;
  readonly bytes: Uint8Array;
}

export interface PackedBlock {
  readonly width: Width;
  readonly planes: readonly PackedPlane[];
}

/** Packs one block in the width that suits the middle of it best. */
export function packBlock(bytes: Uint8Array): PackedBlock {
  const trial = middle(bytes);
  let best: { readonly packed: PackedBlock; readonly size: number } | undefined;
  for (const width of worthTrying(trial)) {
    const packed = packIn(trial, width);
    const size = packedSize(packed);
    if (best === undefined || size < best.size) best = { packed, size };
  }
  if (best !== undefined && trial.length === bytes.length) return best.packed;
  return packIn(bytes, best?.packed.width ?? 1);
}

/** Whole, where zstd looks for all that repeats; in the width whose planes have least entropy, and in those below, whose planes are longer. */
function worthTrying(trial: Uint8Array): readonly Width[] {
  const least = leastEntropyWidth(trial);
  if (least === undefined) return [1];
  return WIDTHS.filter((width) => width <= least);
}

/** Bytes of all planes together. */
export function packedSize({ planes }: PackedBlock): number {
  return planes.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** A part that begins at a multiple of every width. */
function middle(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= TRIAL_BYTES) return bytes;
  const start = Math.floor((bytes.length - TRIAL_BYTES) / 16) * 8;
  return bytes.subarray(start, start + TRIAL_BYTES);
}

function packIn(bytes: Uint8Array, width: Width): PackedBlock {
  const params = width === 1 ? WHOLE_PARAMS : PLANE_PARAMS;
  const planes = splitPlanes(bytes, width).map((plane) => {
    const frame = zstdCompressSync(plane, { params, chunkSize: plane.length + FRAME_ROOM });
    return frame.length < plane.length ? { packed: true, bytes: frame } : { packed: false, bytes: plane };
  });
  return { width, planes };
}
