import { damaged, OutputBuffer } from './decodeOutput.ts';

const BLOCK_MAGIC = 0x314159265359;
const END_MAGIC = 0x177245385090;
const MAX_CODE = 20;
const GROUP = 50;

export function looksLikeBzip2(head: Uint8Array): boolean {
  const level = head[3] ?? 0;
  return head[0] === 0x42 && head[1] === 0x5a && head[2] === 0x68 && level >= 0x31 && level <= 0x39;
}

class BitReader {
  readonly #input: Uint8Array;
  #at: number;
  #buffer = 0;
  #count = 0;

  constructor(input: Uint8Array, at: number) {
    this.#input = input;
    this.#at = at;
  }

  /** Up to 24 bits, the highest first. */
  bits(count: number): number {
    while (this.#count < count) {
      const byte = this.#input[this.#at];
      if (byte === undefined) throw damaged('the compressed data end too early');
      this.#at += 1;
      this.#buffer = ((this.#buffer & 0xffffff) << 8) | byte;
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#buffer >>> this.#count) & (2 ** count - 1);
  }

  /** Bytes taken, a begun one included. */
  get consumed(): number {
    return this.#at;
  }
}

/** A canonical Huffman code, decoded by the first code and the first index of each length. */
interface Code {
  readonly limits: Int32Array;
  readonly offsets: Int32Array;
  readonly symbols: Uint16Array;
}

/** Decodes one bzip2 stream; answers the output and the bytes taken. Throws a `RefusedError`. */
export function decodeBzip2(input: Uint8Array, maxBytes: number): { bytes: Uint8Array; consumed: number } {
  const blockBytes = ((input[3] ?? 0) - 0x30) * 100_000;
  const bits = new BitReader(input, 4);
  const output = new OutputBuffer(maxBytes);
  for (;;) {
    const magic = bits.bits(24) * 2 ** 24 + bits.bits(24);
    bits.bits(16);
    bits.bits(16);
    if (magic === END_MAGIC) return { bytes: output.finish(), consumed: bits.consumed };
    if (magic !== BLOCK_MAGIC) throw damaged('no block where one belongs');
    decodeBlock(bits, blockBytes, output);
  }
}

function decodeBlock(bits: BitReader, blockBytes: number, output: OutputBuffer): void {
  if (bits.bits(1) !== 0) throw damaged('a randomised block');
  const origin = bits.bits(24);
  const used = readUsed(bits);
  const alphabet = used.length + 2;
  const tables = bits.bits(3);
  const selectors = readSelectors(bits, tables);
  const codes = Array.from({ length: tables }, () => readCode(bits, alphabet));
  const block = readSymbols(bits, { used, selectors, codes, blockBytes });
  if (origin >= block.length) throw damaged('a block whose origin lies outside');
  undoTransform(block, origin, output);
}

/** Two levels of bit maps tell which byte values occur. */
function readUsed(bits: BitReader): number[] {
  const used: number[] = [];
  const groups = bits.bits(16);
  for (let group = 0; group < 16; group += 1) {
    if (((groups >> (15 - group)) & 1) === 0) continue;
    const values = bits.bits(16);
    for (let value = 0; value < 16; value += 1) if (((values >> (15 - value)) & 1) === 1) used.push(group * 16 + value);
  }
  if (used.length === 0) throw damaged('a block without values');
  return used;
}

function readSelectors(bits: BitReader, tables: number): Uint8Array {
  const count = bits.bits(15);
  if (tables < 2 || tables > 6 || count === 0) throw damaged('a block without codes');
  const order = Array.from({ length: tables }, (_, index) => index);
  const selectors = new Uint8Array(count);
  for (let index = 0; index < count; index += 1) {
    let place = 0;
    while (bits.bits(1) === 1) {
      place += 1;
      if (place >= tables) throw damaged('a selector of no code');
    }
    selectors[index] = moveToFront(order, place);
  }
  return selectors;
}

function moveToFront(order: number[], place: number): number {
  const [value] = order.splice(place, 1);
  if (value === undefined) throw damaged('a place outside of its list');
  order.unshift(value);
  return value;
}

function readCode(bits: BitReader, alphabet: number): Code {
  let length = bits.bits(5);
  const lengths = Array.from({ length: alphabet }, () => {
    while (bits.bits(1) === 1) length += bits.bits(1) === 0 ? 1 : -1;
    if (length < 1 || length > MAX_CODE) throw damaged('a code of an impossible length');
    return length;
  });
  const limits = new Int32Array(MAX_CODE + 1).fill(-1);
  const offsets = new Int32Array(MAX_CODE + 1);
  const symbols = new Uint16Array(alphabet);
  let code = 0;
  let index = 0;
  for (let width = 1; width <= MAX_CODE; width += 1) {
    offsets[width] = index - code;
    for (const [symbol, own] of lengths.entries()) {
      if (own !== width) continue;
      symbols[index] = symbol;
      index += 1;
      code += 1;
    }
    limits[width] = code - 1;
    code *= 2;
  }
  return { limits, offsets, symbols };
}

function readSymbol(bits: BitReader, { limits, offsets, symbols }: Code): number {
  let code = 0;
  for (let width = 1; width <= MAX_CODE; width += 1) {
    code = code * 2 + bits.bits(1);
    if (code <= (limits[width] ?? -1)) return symbols[code + (offsets[width] ?? 0)] ?? 0;
  }
  throw damaged('no code');
}

interface BlockCodes {
  readonly used: readonly number[];
  readonly selectors: Uint8Array;
  readonly codes: readonly Code[];
  readonly blockBytes: number;
}

/** Undoes the codes, the runs (symbols 0 and 1 in bijective base two) and the move to the front. */
function readSymbols(bits: BitReader, { used, selectors, codes, blockBytes }: BlockCodes): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const order = [...used];
  const end = used.length + 1;
  let filled = 0;
  let run = 0;
  let weight = 1;
  for (let read = 0; ; read += 1) {
    const code = codes[selectors[Math.floor(read / GROUP)] ?? 255];
    if (code === undefined) throw damaged('more symbols than selectors');
    const symbol = readSymbol(bits, code);
    if (symbol <= 1) {
      run += weight << symbol;
      weight *= 2;
      if (run > blockBytes) throw damaged('a block larger than its level');
      continue;
    }
    if (filled + run + 1 > blockBytes && symbol !== end) throw damaged('a block larger than its level');
    if (filled + run > blockBytes) throw damaged('a block larger than its level');
    block.fill(order[0] ?? 0, filled, filled + run);
    filled += run;
    run = 0;
    weight = 1;
    if (symbol === end) return block.subarray(0, filled);
    block[filled] = moveToFront(order, symbol - 1);
    filled += 1;
  }
}

/** Undoes the Burrows-Wheeler transform and the first run-length code: four equal bytes and a count. */
function undoTransform(block: Uint8Array, origin: number, output: OutputBuffer): void {
  const starts = new Int32Array(257);
  for (const byte of block) starts[byte + 1] = (starts[byte + 1] ?? 0) + 1;
  for (let value = 0; value < 256; value += 1) starts[value + 1] = (starts[value + 1] ?? 0) + (starts[value] ?? 0);
  const following = new Int32Array(block.length);
  for (const [index, byte] of block.entries()) {
    const place = starts[byte] ?? 0;
    following[place] = index;
    starts[byte] = place + 1;
  }
  let at = following[origin] ?? 0;
  let same = 0;
  let before = -1;
  for (let count = 0; count < block.length; count += 1) {
    const byte = block[at] ?? 0;
    at = following[at] ?? 0;
    if (same === 4) {
      for (let repeat = 0; repeat < byte; repeat += 1) output.push(before);
      same = 0;
      before = -1;
      continue;
    }
    output.push(byte);
    same = byte === before ? same + 1 : 1;
    before = byte;
  }
}
