import {
  add,
  and,
  assemble,
  type Code,
  get,
  i32,
  lessUnsigned,
  load128,
  load32,
  load8,
  set,
  shiftLeft,
  shiftRight,
  store128,
  whileLoop,
  xor,
  xor128,
} from './assemble.ts';

/*
 * CRC-32C without an instruction for it, at the speed of XOR. With P the polynomial of CRC-32C,
 * Q = x^209 + x^144 + x^54 + x^39 + x^14 + 1 is a multiple of P (the one of fewest terms; found by search), so Q(x)^128 =
 * Q(x^128) is one too: a vector of 16 bytes may be taken out of the message when it is added to those that follow it at these
 * distances. What is left after that, the last 209 vectors, goes through tables.
 * The idea: S. Russell, "Chorba: A novel CRC32 implementation", arXiv:2412.16398.
 */
export const VECTOR = 16;
export const REACH = 209;
export const DISTANCES = [65, 155, 170, 195, 209];
/** `fold` takes vectors in turns of this many; below the smallest distance. */
export const TURN = 8;

/** Of CRC-32C, bits reversed (RFC 3720, appendix B.4). */
export const POLYNOMIAL = 0x82f63b78;

interface Kernel {
  /** Writes the vectors of `from` up to `end`, with what earlier ones add to them, to `to`, before which `REACH` earlier ones lie. Gives where it stopped writing. */
  fold(from: number, to: number, end: number): number;
  /** Adds the vectors of `from` up to `end` to those at `to`. */
  spread(from: number, to: number, end: number): number;
  /** The register after the bytes from `from` up to `end`, by eight tables at `tables`. */
  reduce(register: number, from: number, end: number, tables: number): number;
}

export function instantiateKernel(memory: WebAssembly.Memory): Kernel {
  const binary = assemble([
    { name: 'fold', parameters: 3, locals: 1, body: fold() },
    { name: 'spread', parameters: 3, locals: 0, body: spread() },
    { name: 'reduce', parameters: 4, locals: 2, body: reduce() },
  ]);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } });
  const named = (name: string): ((...values: readonly number[]) => number) => {
    const found = exports[name];
    if (typeof found !== 'function') throw new TypeError(`The kernel has no ${name}.`);
    return (...values) => Number(found(...values));
  };
  return { fold: named('fold'), spread: named('spread'), reduce: named('reduce') };
}

function fold(): Code {
  const [from, to, end, past] = [0, 1, 2, 3];
  const one = (at: number): Code => [
    ...get(to),
    ...get(from),
    ...load128(at * VECTOR),
    ...DISTANCES.flatMap((distance) => [...get(past), ...load128((REACH + at - distance) * VECTOR), ...xor128]),
    ...store128(at * VECTOR),
  ];
  const forward = (pointer: number): Code => [...get(pointer), ...i32(TURN * VECTOR), ...add, ...set(pointer)];
  return [
    ...get(to),
    ...i32(-REACH * VECTOR),
    ...add,
    ...set(past),
    ...whileLoop(
      [...get(from), ...get(end), ...lessUnsigned],
      [...Array.from({ length: TURN }, (_, at) => one(at)).flat(), ...forward(from), ...forward(to), ...forward(past)],
    ),
    ...get(to),
  ];
}

function spread(): Code {
  const [from, to, end] = [0, 1, 2];
  const forward = (pointer: number): Code => [...get(pointer), ...i32(VECTOR), ...add, ...set(pointer)];
  return [
    ...whileLoop(
      [...get(from), ...get(end), ...lessUnsigned],
      [
        ...get(to),
        ...get(from),
        ...load128(0),
        ...get(to),
        ...load128(0),
        ...xor128,
        ...store128(0),
        ...forward(from),
        ...forward(to),
      ],
    ),
    ...get(to),
  ];
}

/** Slicing by 8, then byte by byte. */
function reduce(): Code {
  const [register, from, end, tables, low, high] = [0, 1, 2, 3, 4, 5];
  /** tables[table][value & 0xff] */
  const lookUp = (value: Code, table: number): Code => [
    ...value,
    ...i32(0xff),
    ...and,
    ...i32(2),
    ...shiftLeft,
    ...get(tables),
    ...add,
    ...load32(table * 1024),
  ];
  const byteOf = (word: number, at: number): Code => [...get(word), ...i32(8 * at), ...shiftRight];
  const lookUps = [0, 1, 2, 3].flatMap((at) => [lookUp(byteOf(low, at), 7 - at), lookUp(byteOf(high, at), 3 - at)]);
  const [first = [], ...others] = lookUps;
  const forward = (bytes: number): Code => [...get(from), ...i32(bytes), ...add, ...set(from)];
  return [
    ...whileLoop(
      [...get(from), ...i32(7), ...add, ...get(end), ...lessUnsigned],
      [
        ...get(from),
        ...load32(0),
        ...get(register),
        ...xor,
        ...set(low),
        ...get(from),
        ...load32(4),
        ...set(high),
        ...first,
        ...others.flatMap((other) => [...other, ...xor]),
        ...set(register),
        ...forward(8),
      ],
    ),
    ...whileLoop(
      [...get(from), ...get(end), ...lessUnsigned],
      [
        ...lookUp([...get(from), ...load8(0), ...get(register), ...xor], 0),
        ...get(register),
        ...i32(8),
        ...shiftRight,
        ...xor,
        ...set(register),
        ...forward(1),
      ],
    ),
    ...get(register),
  ];
}
