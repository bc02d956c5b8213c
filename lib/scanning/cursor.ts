import { formatCount } from '../shared/formatCount.ts';
import { RefusedError } from './errors.ts';
import type { RangedReader } from './rangedReader.ts';
import type { RuleId } from './rules.ts';

/** What detection has read already. */
const FIRST_WINDOW = 64 * 1024;
const MAX_WINDOW = 4 * 1024 * 1024;

/**
 * Sequential reading over a ranged port. `ensure(n)` makes the next n bytes present (one request for many calls, with
 * windows that double up to 4 MiB); after it the synchronous getters cannot run past the window. `skip` moves on
 * without reading. Bytes that the object lacks are refused under the cursor's rule.
 */
export class Cursor {
  /** Byte order of the numbers; a format whose files tell their own order sets it. */
  littleEndian = true;
  #reader: RangedReader;
  #rule: RuleId;
  #window: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#window.buffer);
  /** Position in the object of the window's first byte. */
  #start = 0;
  #at = 0;
  #nextWindow = FIRST_WINDOW;

  constructor(reader: RangedReader, rule: RuleId) {
    this.#reader = reader;
    this.#rule = rule;
  }

  get offset(): number {
    return this.#start + this.#at;
  }

  get left(): number {
    return this.#reader.size - this.offset;
  }

  /** Bytes that the synchronous getters may take. */
  get buffered(): number {
    return this.#window.length - this.#at;
  }

  /** Whether `length` bytes, or all that the object still has, are present. */
  ready(length: number): boolean {
    const buffered = this.#window.length - this.#at;
    return buffered >= length || buffered === this.left;
  }

  async ensure(length: number): Promise<void> {
    if (this.#window.length - this.#at >= length) return;
    if (length > this.left) throw this.truncated(length);
    const from = this.offset;
    this.#window = await this.#reader.read(from, Math.min(this.left, Math.max(length, this.#nextWindow)));
    this.#nextWindow = Math.min(MAX_WINDOW, this.#nextWindow * 2);
    this.#view = new DataView(this.#window.buffer, this.#window.byteOffset, this.#window.byteLength);
    this.#start = from;
    this.#at = 0;
  }

  truncated(length: number): RefusedError {
    return new RefusedError(
      this.#rule,
      `the file ends ${formatCount(length - this.left, 'byte')} too early`,
      this.offset,
    );
  }

  skip(length: number): void {
    if (!(length >= 0) || length > this.left) throw this.truncated(length);
    if (this.#at + length <= this.#window.length) {
      this.#at += length;
      return;
    }
    this.#start = this.offset + length;
    this.#window = new Uint8Array(0);
    this.#at = 0;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.littleEndian);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.littleEndian);
  }

  /** An unsigned 64-bit value as a number; what a double cannot hold exactly is refused. */
  u64(): number {
    const at = this.offset;
    const value = this.#view.getBigUint64(this.#take(8), this.littleEndian);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new RefusedError(this.#rule, `the value ${value} is too large`, at);
    return Number(value);
  }

  /** A view into the window: copy it before the next `ensure` if it must live longer. */
  bytes(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#window.subarray(at, at + length);
  }

  /** Another cursor over the same object, with the bytes that this one has already read. */
  fork(offset: number): Cursor {
    const fork = new Cursor(this.#reader, this.#rule);
    fork.#window = this.#window;
    fork.#view = this.#view;
    fork.#start = this.#start;
    fork.#at = offset - this.#start;
    if (fork.#at < 0 || fork.#at > this.#window.length) {
      fork.#window = new Uint8Array(0);
      fork.#start = offset;
      fork.#at = 0;
    }
    return fork;
  }

  /** The next bytes without taking them; fewer where the window ends. */
  peek(length: number): Uint8Array {
    return this.#window.subarray(this.#at, this.#at + length);
  }

  /** A line without its end; undefined, and nothing taken, where the window holds no whole line. */
  line(): Uint8Array | undefined {
    const end = this.#window.indexOf(0x0a, this.#at);
    if (end < 0) return undefined;
    const line = this.#window.subarray(this.#at, end);
    this.#at = end + 1;
    return line;
  }

  /** Moves behind the end of the line that begins here, through as many windows as it takes. */
  async skipLine(): Promise<void> {
    while (this.line() === undefined) {
      this.skip(this.buffered);
      if (this.left === 0) throw this.truncated(1);
      await this.ensure(1);
    }
  }

  #take(length: number): number {
    const at = this.#at;
    if (length > this.#window.length - at) throw this.truncated(length);
    this.#at += length;
    return at;
  }
}
