import { formatCount } from '../../shared/formatCount.ts';
import { Cursor } from '../cursor.ts';
import { RefusedError } from '../errors.ts';
import type { RangedReader } from '../rangedReader.ts';
import type { RuleId } from '../rules.ts';

export interface Field {
  readonly number: number;
  readonly wire: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
  /** The value of a varint, as an unsigned 64-bit number. */
  readonly value: bigint;
  /** For bytes, where they lie. */
  readonly start: number;
  readonly length: number;
}

const WIRES: ReadonlyMap<number, Field['wire']> = new Map([
  [0, 'varint'],
  [1, 'fixed64'],
  [2, 'bytes'],
  [5, 'fixed32'],
]);
const MAX_VARINT = 10;

/**
 * Walks the wire format of protocol buffers field by field, over a ranged port: payloads that nobody asks for are skipped,
 * not read. Groups, field 0, lengths beyond their message and varints beyond 64 bits are refused under `rule`.
 */
export class ProtobufReader {
  readonly #cursor: Cursor;
  readonly #rule: RuleId;

  constructor(reader: RangedReader, rule: RuleId) {
    this.#cursor = new Cursor(reader, rule);
    this.#rule = rule;
  }

  /** Calls `visit` for each field up to `end`. It may walk the bytes of a field; what it leaves of them is skipped. */
  async fields(end: number, visit: (field: Field) => Promise<void>): Promise<void> {
    while (this.#cursor.offset < end) {
      const field = await this.#field(end);
      await visit(field);
      this.#cursor.skip(field.start + field.length - this.#cursor.offset);
    }
  }

  /** The bytes of a field as text; undefined where they are no UTF-8. Must be called inside of `visit`. */
  async text(field: Field, maxBytes: number): Promise<string | undefined> {
    const bytes = await this.bytes(field, maxBytes);
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return undefined;
    }
  }

  async bytes(field: Field, maxBytes: number): Promise<Uint8Array> {
    if (field.wire !== 'bytes') throw this.refuse(`field ${field.number} is no text`);
    if (field.length > maxBytes) throw this.refuse(`a text of ${formatCount(field.length, 'byte')}`);
    await this.#cursor.ensure(field.length);
    return this.#cursor.bytes(field.length);
  }

  /** Numbers of a repeated field, packed or not. */
  async numbers(field: Field, maxCount: number): Promise<bigint[]> {
    if (field.wire === 'varint') return [field.value];
    if (field.wire !== 'bytes') throw this.refuse(`field ${field.number} holds no numbers`);
    const end = field.start + field.length;
    const numbers: bigint[] = [];
    while (this.#cursor.offset < end) {
      numbers.push(await this.#varint());
      if (numbers.length > maxCount) throw this.refuse(`more than ${maxCount} numbers`);
    }
    if (this.#cursor.offset > end) throw this.refuse('a number runs out of its field');
    return numbers;
  }

  refuse(text: string): RefusedError {
    return new RefusedError(this.#rule, text, this.#cursor.offset);
  }

  async #field(end: number): Promise<Field> {
    const tag = await this.#varint();
    const number = Number(tag >> 3n);
    const wire = WIRES.get(Number(tag & 7n));
    if (wire === undefined || number === 0 || number > 0x1fffffff) throw this.refuse(`tag ${tag} is no field`);
    const value = wire === 'varint' || wire === 'bytes' ? await this.#varint() : 0n;
    const start = this.#cursor.offset;
    const length = wire === 'bytes' ? Number(value) : wire === 'fixed64' ? 8 : wire === 'fixed32' ? 4 : 0;
    if (start + length > end) throw this.refuse(`field ${number} runs out of its message`);
    return { number, wire, value, start, length };
  }

  async #varint(): Promise<bigint> {
    await this.#cursor.ensure(Math.min(MAX_VARINT, Math.max(1, this.#cursor.left)));
    let value = 0n;
    let shift = 0n;
    for (let count = 0; count < MAX_VARINT; count += 1) {
      const byte = this.#cursor.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value >= 1n << 64n) break;
        return value;
      }
      shift += 7n;
    }
    throw this.refuse('a number beyond 64 bits');
  }
}
