import { MIB } from '../../shared/units.ts';

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

const LEAST = MIB;
const MOST = 32 * MIB;

/**
 * Cuts one part into ranges. `left` are the bytes that the whole transfer still has to bring: towards its end ranges become
 * smaller, so that no connection is left alone with a long one. All but the last of a part are whole MiB.
 */
export function cutRanges(part: ByteRange, left: number, sockets: number): readonly ByteRange[] {
  const even = left / (2 * sockets);
  const size = Math.min(MOST, Math.max(LEAST, Math.floor(even / MIB) * MIB));
  const count = Math.ceil(part.length / size);
  return Array.from({ length: count }, (_, at) => ({
    offset: part.offset + at * size,
    length: Math.min(size, part.length - at * size),
  }));
}
