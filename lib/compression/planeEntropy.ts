import { planeLength, type Width } from './planes.ts';

/** As many bytes as `leastEntropyWidth` takes. */
export const MOST_COUNTED = 16 * 1024;

const MOST_PLANES = 8;
const VALUES = 256;
/** A frame says how long the code of each value is, in four bits. */
const CODE_BYTES = 0.5;

/** n · log₂ n for each n. */
const N_LOG_N = Float64Array.from({ length: MOST_COUNTED + 1 }, (_, n) => (n === 0 ? 0 : n * Math.log2(n)));

/**
 * In which width of 2, 4 and 8 bytes the planes of up to `MOST_COUNTED` bytes are smallest by the entropy of their values (Shannon), which is what
 * zstd makes of bytes that repeat by chance alone; undefined where no plane gets smaller. Costs about as much as one frame.
 */
export function leastEntropyWidth(bytes: Uint8Array): Width | undefined {
  const counts = new Uint32Array(MOST_PLANES * VALUES);
  for (let at = 0; at < bytes.length; at += 1) {
    const slot = (at % MOST_PLANES) * VALUES + (bytes[at] ?? 0);
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  let best: Width | undefined;
  let least = bytes.length;
  for (const width of [8, 4, 2] as const) {
    // Of the width before, planes p and p + width are one in this.
    const folded = width * VALUES;
    if (width < MOST_PLANES)
      for (let slot = 0; slot < folded; slot += 1) counts[slot] = (counts[slot] ?? 0) + (counts[slot + folded] ?? 0);
    let size = 0;
    for (let plane = 0; plane < width; plane += 1) {
      size += planeSize(counts.subarray(plane * VALUES, (plane + 1) * VALUES), planeLength(bytes.length, width, plane));
    }
    if (size < least || (size === least && best !== undefined)) [best, least] = [width, size];
  }
  return best;
}

function planeSize(counts: Uint32Array, length: number): number {
  let values = 0;
  let known = 0;
  for (const count of counts) {
    if (count === 0) continue;
    values += 1;
    known += N_LOG_N[count] ?? 0;
  }
  return Math.min(length, ((N_LOG_N[length] ?? 0) - known) / 8 + values * CODE_BYTES);
}
