import { RefusedError } from '../../errors.ts';

/** Compressed data that no decoder of its format accepts. */
export const damaged = (text: string) => new RefusedError('archive.corrupt', text);

const FIRST_BYTES = 64 * 1024;

/** Output that grows up to a bound and serves as the dictionary of what follows. */
export class OutputBuffer {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(FIRST_BYTES);
  length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.length] = byte;
    this.length += 1;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Repeats `count` bytes from `distance` back; they may overlap what they write. */
  copy(distance: number, count: number): void {
    if (distance > this.length) throw damaged('a distance before the beginning');
    this.#reserve(count);
    for (let index = 0; index < count; index += 1) {
      this.#bytes[this.length] = this.#bytes[this.length - distance] ?? 0;
      this.length += 1;
    }
  }

  at(distance: number): number {
    if (distance > this.length) throw damaged('a distance before the beginning');
    return this.#bytes[this.length - distance] ?? 0;
  }

  last(): number {
    return this.length === 0 ? 0 : (this.#bytes[this.length - 1] ?? 0);
  }

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.#maxBytes)
      throw new RefusedError('file.too-large', `inflates to more than ${this.#maxBytes} bytes`);
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.#bytes.length * 2)));
    grown.set(this.#bytes.subarray(0, this.length));
    this.#bytes = grown;
  }
}
