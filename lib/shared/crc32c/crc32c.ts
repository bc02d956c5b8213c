import { DISTANCES, instantiateKernel, POLYNOMIAL, REACH, TURN, VECTOR } from './kernel.ts';

/** CRC-32C of bytes that lie in one memory. */
export interface Crc32c {
  /** Of the bytes at `offset`, after earlier bytes whose checksum is `before`; 0 before the first. */
  of(offset: number, length: number, before?: number): number;
}

const PAGE = 65_536;
const TABLES_BYTES = 8 * 1024;
/** Vectors folded between two moves of the scratch space; it stays within the first-level cache. */
const BLOCK = 1024;
const TABLES_AT = 0;
const SCRATCH_AT = TABLES_AT + TABLES_BYTES;
/** What the memory must leave free at its beginning. */
export const RESERVED_BYTES = Math.ceil((SCRATCH_AT + (REACH + BLOCK) * VECTOR) / PAGE) * PAGE;
/** Below this, tables alone are as fast. */
const FOLD_FROM = 2 * REACH * VECTOR;

/** The first `RESERVED_BYTES` of the memory become this calculator's; the checked bytes lie behind them. */
export function createCrc32c(memory: WebAssembly.Memory): Crc32c {
  const kernel = instantiateKernel(memory);
  const bytes = new Uint8Array(memory.buffer);
  const view = new DataView(memory.buffer);
  new Uint32Array(memory.buffer, TABLES_AT, TABLES_BYTES / 4).set(tables());
  const blockAt = SCRATCH_AT + REACH * VECTOR;

  /** Folds all but the last vectors; answers how far it came and the register of the vectors that follow there. */
  function foldDown(
    register: number,
    offset: number,
    length: number,
  ): { readonly register: number; readonly at: number } {
    bytes.fill(0, SCRATCH_AT, blockAt);
    // The oldest vector of the history is added to the first of the message and to no other.
    view.setUint32(SCRATCH_AT, register, true);
    const end = offset + Math.floor((Math.floor(length / VECTOR) - REACH) / TURN) * TURN * VECTOR;
    let at = offset;
    while (at < end) {
      const block = Math.min(end - at, BLOCK * VECTOR);
      const to = kernel.fold(at, blockAt, at + block);
      bytes.copyWithin(SCRATCH_AT, to - REACH * VECTOR, to);
      at += block;
    }
    bytes.copyWithin(blockAt, at, at + REACH * VECTOR);
    for (const distance of DISTANCES) kernel.spread(blockAt - distance * VECTOR, blockAt, blockAt);
    return { register: kernel.reduce(0, blockAt, blockAt + REACH * VECTOR, TABLES_AT), at: at + REACH * VECTOR };
  }

  return {
    of(offset, length, before = 0) {
      const start = { register: ~before, at: offset };
      const { register, at } = length < FOLD_FROM ? start : foldDown(~before, offset, length);
      return ~kernel.reduce(register, at, offset + length, TABLES_AT) >>> 0;
    },
  };
}

function tables(): Uint32Array {
  const found = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let register = byte;
    for (let bit = 0; bit < 8; bit += 1) register = (register >>> 1) ^ (register & 1 ? POLYNOMIAL : 0);
    found[byte] = register;
  }
  for (let at = 256; at < found.length; at += 1) {
    const previous = found[at - 256] ?? 0;
    found[at] = (previous >>> 8) ^ (found[previous & 0xff] ?? 0);
  }
  return found;
}

/** Eight lower-case digits, as manifests hold it. */
export function crc32cHex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}
