/**
 * The few instructions of WebAssembly 2.0 that `kernel.ts` uses, as bytes.
 * Source: https://webassembly.github.io/spec/core/binary/index.html
 */
export type Code = readonly number[];

const I32 = 0x7f;
const FUNCTION = 0x60;
const VOID_BLOCK = 0x40;
const MAGIC_AND_VERSION = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** log2 of what a memory access may rely on: nothing. */
const UNALIGNED = 0;

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const load32 = (offset: number): Code => [0x28, UNALIGNED, ...unsigned(offset)];
export const load8 = (offset: number): Code => [0x2d, UNALIGNED, ...unsigned(offset)];
export const load128 = (offset: number): Code => [0xfd, 0x00, UNALIGNED, ...unsigned(offset)];
export const store128 = (offset: number): Code => [0xfd, 0x0b, UNALIGNED, ...unsigned(offset)];
export const xor128: Code = [0xfd, 0x51];
export const lessUnsigned: Code = [0x49];
export const add: Code = [0x6a];
export const and: Code = [0x71];
export const xor: Code = [0x73];
export const shiftLeft: Code = [0x74];
export const shiftRight: Code = [0x76];

/** Repeats `body` while `condition` holds; it is asked before each turn. */
export function whileLoop(condition: Code, body: Code): Code {
  return [0x03, VOID_BLOCK, ...condition, 0x04, VOID_BLOCK, ...body, 0x0c, 1, 0x0b, 0x0b];
}

export interface ModuleFunction {
  readonly name: string;
  readonly parameters: number;
  readonly locals: number;
  readonly body: Code;
}

/** A module of functions of i32 values with one result over the memory that it imports as `env.memory`. */
export function assemble(functions: readonly ModuleFunction[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    FUNCTION,
    ...vector(Array.from({ length: parameters }, () => [I32])),
    1,
    I32,
  ]);
  const memory = [...text('env'), ...text('memory'), 0x02, 0x00, 0x00];
  const bodies = functions.map(({ locals, body }) => {
    const code = [1, ...unsigned(locals), I32, ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, vector(types)),
    ...section(2, vector([memory])),
    ...section(3, vector(functions.map((_, index) => unsigned(index)))),
    ...section(7, vector(functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]))),
    ...section(10, vector(bodies)),
  ]);
}

function section(id: number, content: Code): Code {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): Code {
  return [...unsigned(value.length), ...Buffer.from(value)];
}

/** LEB128. */
function unsigned(value: number): Code {
  const bytes = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function signed(value: number): Code {
  const bytes = [];
  for (let rest = value; ; rest >>= 7) {
    const byte = rest & 0x7f;
    if (rest >> 6 === 0 || rest >> 6 === -1) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}
