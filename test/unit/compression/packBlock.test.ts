import { describe, expect, it } from 'vitest';
import { packBlock, packedSize } from '../../../lib/compression/packBlock.ts';
import { Rng } from '../../simulation/rng.ts';
import { weights } from '../../support/weights.ts';

const BYTES = 64 * 1024;

function noise(): Uint8Array {
  const rng = new Rng(1);
  return new Uint8Array(Uint32Array.from({ length: BYTES / 4 }, () => rng.uint32()).buffer);
}

/** Round and round, as ids of tokens are in a table: what zstd finds in planes of two is not in those of four. */
function cycle(): Uint8Array {
  return new Uint8Array(Int32Array.from({ length: BYTES / 4 }, (_, index) => (index * 2654435761) % 1000).buffer);
}

const SUBJECTS: readonly (readonly [name: string, bytes: Uint8Array, width: number, ratio: number])[] = [
  ['BF16', weights('BF16', BYTES / 2, 1), 2, 0.68],
  ['F16', weights('F16', BYTES / 2, 1), 2, 0.86],
  ['F32', weights('F32', BYTES / 4, 1), 4, 0.85],
  ['BF16 in F32', weights('F32-from-BF16', BYTES / 4, 1), 4, 0.35],
  ['F64', new Uint8Array(Float64Array.from({ length: BYTES / 8 }, (_, index) => Math.sin(index) / 10).buffer), 8, 0.78],
  ['I8', weights('I8', BYTES, 1), 1, 0.97],
  ['ids that go round', cycle(), 4, 0.08],
  ['I16 that rise', new Uint8Array(Int16Array.from({ length: BYTES / 2 }, (_, index) => index).buffer), 2, 0.009],
  ['text', Buffer.from('{"vocab":{"the":1,"of":2}}'.repeat(BYTES / 26)), 1, 0.01],
  ['noise', noise(), 1, 1],
  ['one byte', Uint8Array.of(7), 1, 1],
];

describe('a packed block', () => {
  it.each(SUBJECTS)('of %s stands in the planes that pack best', (_, bytes, width, ratio) => {
    const packed = packBlock(bytes);
    expect(packed.width).toBe(width);
    expect(packedSize(packed) / bytes.length).toBeLessThanOrEqual(ratio);
  });
});
