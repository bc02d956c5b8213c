import { SECOND_MS } from '../shared/units.ts';

/**
 * One thread on one whole CPU: the least that `npm run bench -- compress` printed for any dtype, at a load of 12 on two cores, less a fifth for
 * reading and writing the objects.
 */
export const PACK_BYTES_PER_SECOND = 30e6;
export const UNPACK_BYTES_PER_SECOND = 55e6;

/** How long it takes about to make an object of `bytes` readable again: unpacked, written and read back. */
export function unpackingMs(bytes: number): number {
  return (bytes / UNPACK_BYTES_PER_SECOND) * SECOND_MS;
}
