import { damaged, type OutputBuffer } from './decodeOutput.ts';

const TOP = 2 ** 24;
const HALF = 1024;
const MIN_MATCH = 2;

/** Probabilities of one bit tree, or of a row of them. */
const probabilities = (length: number) => new Uint16Array(length).fill(HALF);

interface LengthModel {
  readonly choice: Uint16Array;
  readonly low: Uint16Array;
  readonly mid: Uint16Array;
  readonly high: Uint16Array;
}

const lengthModel = (): LengthModel => ({
  choice: probabilities(2),
  low: probabilities(16 * 8),
  mid: probabilities(16 * 8),
  high: probabilities(256),
});

/** The models that a state reset starts anew. */
function createModels(literalBits: number) {
  return {
    literal: probabilities(0x300 << literalBits),
    isMatch: probabilities(12 * 16),
    isRep: probabilities(12),
    isRep0: probabilities(12),
    isRep1: probabilities(12),
    isRep2: probabilities(12),
    isRep0Long: probabilities(12 * 16),
    slot: probabilities(4 * 64),
    special: probabilities(128),
    align: probabilities(16),
    length: lengthModel(),
    repLength: lengthModel(),
  };
}

/**
 * The LZMA decoder of the specification that comes with the LZMA SDK, over input and output in memory. The output is the
 * dictionary; its bound, and the range of the input, hold at every step: a damaged stream is refused.
 */
export class LzmaDecoder {
  readonly #output: OutputBuffer;
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  #range = 0;
  #code = 0;
  #lc = 0;
  #lp = 0;
  #pb = 0;
  #models = createModels(0);
  #state = 0;
  #reps: [number, number, number, number] = [0, 0, 0, 0];

  constructor(output: OutputBuffer) {
    this.#output = output;
  }

  /** The byte that packs literal context, literal position and position bits. */
  setProperties(byte: number): void {
    if (byte >= 225) throw damaged('unknown LZMA properties');
    this.#lc = byte % 9;
    this.#lp = Math.floor(byte / 9) % 5;
    this.#pb = Math.floor(byte / 45);
  }

  resetState(): void {
    this.#models = createModels(this.#lc + this.#lp);
    this.#state = 0;
    this.#reps = [0, 0, 0, 0];
  }

  /** Decodes until the output has grown by `bytes`, or up to the end marker where that is allowed; answers the bytes taken. */
  decode(input: Uint8Array, bytes: number, mayEnd: boolean): number {
    this.#input = input;
    this.#at = 1;
    this.#range = 0xffffffff;
    this.#code = 0;
    if (input[0] !== 0) throw damaged('a range coder that does not begin with zero');
    for (let index = 0; index < 4; index += 1) this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
    const end = this.#output.length + bytes;
    while (this.#output.length < end) {
      if (!this.#symbol(end)) {
        if (!mayEnd) throw damaged('an end marker where none belongs');
        break;
      }
    }
    return this.#at;
  }

  /** Decodes one literal or match; false at the end marker. */
  #symbol(end: number): boolean {
    const models = this.#models;
    const position = this.#output.length & ((1 << this.#pb) - 1);
    const row = this.#state * 16 + position;
    if (this.#bit(models.isMatch, row) === 0) {
      this.#literal();
      return true;
    }
    let length: number;
    if (this.#bit(models.isRep, this.#state) !== 0) {
      if (this.#bit(models.isRep0, this.#state) === 0) {
        if (this.#bit(models.isRep0Long, row) === 0) {
          this.#state = this.#state < 7 ? 9 : 11;
          this.#output.copy(this.#reps[0] + 1, 1);
          return true;
        }
      } else this.#rotate();
      length = this.#length(models.repLength, position);
      this.#state = this.#state < 7 ? 8 : 11;
    } else {
      length = this.#length(models.length, position);
      this.#state = this.#state < 7 ? 7 : 10;
      const distance = this.#distance(length);
      if (distance === 0xffffffff) return false;
      this.#reps = [distance, this.#reps[0], this.#reps[1], this.#reps[2]];
    }
    const bytes = length + MIN_MATCH;
    if (this.#output.length + bytes > end) throw damaged('a match beyond the end of its chunk');
    this.#output.copy(this.#reps[0] + 1, bytes);
    return true;
  }

  /** Brings one of the older distances to the front. */
  #rotate(): void {
    const [a, b, c, d] = this.#reps;
    if (this.#bit(this.#models.isRep1, this.#state) === 0) this.#reps = [b, a, c, d];
    else if (this.#bit(this.#models.isRep2, this.#state) === 0) this.#reps = [c, a, b, d];
    else this.#reps = [d, a, b, c];
  }

  #literal(): void {
    const before = this.#output.last();
    const low = this.#output.length & ((1 << this.#lp) - 1);
    const base = 0x300 * ((low << this.#lc) + (before >> (8 - this.#lc)));
    const { literal } = this.#models;
    let symbol = 1;
    if (this.#state >= 7) {
      let match = this.#output.at(this.#reps[0] + 1);
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1;
        match <<= 1;
        const bit = this.#bit(literal, base + ((1 + matchBit) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== matchBit) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(literal, base + symbol);
    this.#output.push(symbol & 0xff);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #length(model: LengthModel, position: number): number {
    if (this.#bit(model.choice, 0) === 0) return this.#tree(model.low, position * 8, 3);
    if (this.#bit(model.choice, 1) === 0) return 8 + this.#tree(model.mid, position * 8, 3);
    return 16 + this.#tree(model.high, 0, 8);
  }

  #distance(length: number): number {
    const slot = this.#tree(this.#models.slot, Math.min(length, 3) * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    const base = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) return base + this.#reverse(this.#models.special, base - slot, bits);
    let direct = 0;
    for (let index = 0; index < bits - 4; index += 1) direct = ((direct << 1) | this.#directBit()) >>> 0;
    return (base + direct * 16 + this.#reverse(this.#models.align, 0, 4)) >>> 0;
  }

  #tree(table: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    for (let index = 0; index < bits; index += 1) symbol = (symbol << 1) | this.#bit(table, base + symbol);
    return symbol - (1 << bits);
  }

  #reverse(table: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let index = 0; index < bits; index += 1) {
      const bit = this.#bit(table, base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << index;
    }
    return value;
  }

  #bit(table: Uint16Array, index: number): 0 | 1 {
    const probability = table[index] ?? HALF;
    const bound = (this.#range >>> 11) * probability;
    let bit: 0 | 1;
    if (this.#code < bound) {
      this.#range = bound;
      table[index] = probability + ((2048 - probability) >> 5);
      bit = 0;
    } else {
      this.#range -= bound;
      this.#code -= bound;
      table[index] = probability - (probability >> 5);
      bit = 1;
    }
    this.#normalise();
    return bit;
  }

  #directBit(): 0 | 1 {
    this.#range >>>= 1;
    const bit = this.#code >= this.#range ? 1 : 0;
    if (bit === 1) this.#code -= this.#range;
    this.#normalise();
    return bit;
  }

  #normalise(): void {
    if (this.#range >= TOP) return;
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#byte()) >>> 0;
  }

  #byte(): number {
    const byte = this.#input[this.#at];
    if (byte === undefined) throw damaged('the compressed data end too early');
    this.#at += 1;
    return byte;
  }
}
