/** Element sizes that are tried: bytes and text, 16-bit, 32-bit and 64-bit numbers. */
export const WIDTHS = [1, 2, 4, 8] as const;
export type Width = (typeof WIDTHS)[number];

/**
 * Puts the first bytes of all elements first, then all second bytes, and so on: numbers of `width` bytes differ least in one of
 * their bytes (the exponent's), which then stand together. Where the elements begin does not matter: another phase gives the same
 * planes in another order. Plane p has ⌈(length − p) ÷ width⌉ bytes.
 */
export function splitPlanes(bytes: Uint8Array, width: number): readonly Uint8Array[] {
  if (width === 1) return [bytes];
  return Array.from({ length: width }, (_, first) => {
    const plane = new Uint8Array(planeLength(bytes.length, width, first));
    for (let to = 0, from = first; to < plane.length; to += 1, from += width) plane[to] = bytes[from] ?? 0;
    return plane;
  });
}

export function planeLength(length: number, width: number, plane: number): number {
  return Math.max(0, Math.ceil((length - plane) / width));
}

/** What `splitPlanes` took apart; the number of planes is the width. */
export function joinPlanes(planes: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = planes;
  if (planes.length === 1 && only !== undefined) return only;
  const bytes = new Uint8Array(length);
  for (const [first, plane] of planes.entries()) {
    for (let from = 0, to = first; from < plane.length; from += 1, to += planes.length) bytes[to] = plane[from] ?? 0;
  }
  return bytes;
}
