import { assert, property, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineCrc32c, crc32cHex, createCrc32c, RESERVED_BYTES } from '../../../lib/shared/crc32c/index.ts';
import { crc32cOf } from '../../../lib/shared/crc32c/ofBytes.ts';

const SIZE = 256 * 1024;
const memory = new WebAssembly.Memory({ initial: (RESERVED_BYTES + SIZE) / 65_536 });
const crc32c = createCrc32c(memory);
const bytes = new Uint8Array(memory.buffer, RESERVED_BYTES);

/** Bit by bit, as the polynomial says. */
function slowly(data: Uint8Array, before = 0): number {
  let register = ~before;
  for (const byte of data) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit += 1) register = (register >>> 1) ^ (register & 1 ? 0x82f63b78 : 0);
  }
  return ~register >>> 0;
}

function of(data: Uint8Array, before?: number): number {
  bytes.set(data);
  return crc32c.of(RESERVED_BYTES, data.length, before);
}

describe('CRC-32C', () => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms.
  it.each([
    [Buffer.from('123456789'), 'e3069283'],
    [Buffer.alloc(32, 0), '8a9136aa'],
    [Buffer.alloc(32, 0xff), '62a8ab43'],
    [Buffer.from(Array.from({ length: 32 }, (_, at) => at)), '46dd794e'],
    [Buffer.alloc(0), '00000000'],
  ])('has its published values', (data, expected) => {
    expect(crc32cHex(of(data))).toBe(expected);
  });

  it.each([1, 15, 16, 3343, 3344, 6687, 6688, 6689, 6816, 20_000, 23_072, 100_001, SIZE])(
    'of %i bytes is what the polynomial says',
    (length) => {
      const data = Uint8Array.from({ length }, (_, at) => (at * at * 31 + (at >> 5)) % 256);
      expect(of(data)).toBe(slowly(data));
      expect(of(data, 0x12345678)).toBe(slowly(data, 0x12345678));
    },
  );

  it('reads at any address, and tells every flipped bit', () => {
    const data = Uint8Array.from({ length: 9000 }, (_, at) => (at * 7) % 256);
    const expected = slowly(data);
    for (const shift of [1, 3, 8, 17]) {
      bytes.set(data, shift);
      expect(crc32c.of(RESERVED_BYTES + shift, data.length)).toBe(expected);
    }
    bytes.set(data);
    for (let at = 0; at < data.length; at += 97) {
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      expect(crc32c.of(RESERVED_BYTES, data.length)).not.toBe(expected);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    }
  });

  it.each([0, 1, 65_535, 65_536, 65_537, 200_000])('of %i bytes that lie elsewhere is the same', (length) => {
    const data = Uint8Array.from({ length }, (_, at) => (at * at * 31 + (at >> 5)) % 256);
    expect(crc32cOf(data)).toBe(slowly(data));
    expect(crc32cOf(data, 0x12345678)).toBe(slowly(data, 0x12345678));
  });

  it('of pieces combines to that of the whole, and continues from one to the next', () => {
    assert(
      property(uint8Array({ maxLength: 9000 }), uint8Array({ maxLength: 9000 }), (first, second) => {
        const whole = slowly(Buffer.concat([first, second]));
        expect(combineCrc32c(of(first), of(second), second.length)).toBe(whole);
        expect(of(second, of(first))).toBe(whole);
      }),
      { numRuns: 50 },
    );
  });
});
