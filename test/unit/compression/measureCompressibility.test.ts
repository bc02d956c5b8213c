import { describe, expect, it } from 'vitest';
import { measureCompressibility, sampleWindows } from '../../../lib/compression/measureCompressibility.ts';
import { packBlock, packedSize } from '../../../lib/compression/packBlock.ts';
import { planeLength, splitPlanes } from '../../../lib/compression/planes.ts';
import { type WeightDtype, weights } from '../../support/weights.ts';

const MIB = 1024 * 1024;

async function measure(bytes: Uint8Array) {
  let requests = 0;
  const measured = await measureCompressibility(bytes.length, async (offset, length) => {
    requests += 1;
    return bytes.subarray(offset, offset + length);
  });
  return { ...measured, requests };
}

/** Every byte, in the blocks of the codec. */
function compressedWhole(bytes: Uint8Array): number {
  let size = 0;
  for (let at = 0; at < bytes.length; at += 256 * 1024) {
    size += packedSize(packBlock(bytes.subarray(at, at + 256 * 1024)));
  }
  return size / bytes.length;
}

describe('how small a file would get', () => {
  it.each<readonly [WeightDtype, number, number]>([
    ['BF16', 0.65, 0.69],
    ['F16', 0.83, 0.89],
    ['F32', 0.81, 0.86],
    ['F32-from-BF16', 0.32, 0.36],
    ['I8', 0.9, 1],
  ])(
    'is told of %s weights between %d and %d, within two hundredths of all bytes compressed',
    async (dtype, low, high) => {
      const bytes = weights(dtype, 2 * MIB, 7);
      const { ratio, sampledBytes } = await measure(bytes);
      expect(ratio).toBeGreaterThan(low);
      expect(ratio).toBeLessThan(high);
      expect(Math.abs(ratio - compressedWhole(bytes))).toBeLessThan(0.02);
      expect(sampledBytes).toBe(MIB);
    },
  );

  it('counts every dtype of a mixed file by its bytes', async () => {
    const mixed = Buffer.concat([weights('BF16', MIB, 1), weights('F32', MIB, 2), weights('I8', MIB, 3)]);
    const { ratio } = await measure(mixed);
    expect(Math.abs(ratio - compressedWhole(mixed))).toBeLessThan(0.04);
  });

  it('does not depend on where the first element begins', async () => {
    const bytes = weights('BF16', MIB, 5);
    const shifted = Buffer.concat([Buffer.alloc(3, 0x20), bytes]);
    expect(Math.abs((await measure(shifted)).ratio - (await measure(bytes)).ratio)).toBeLessThan(0.005);
  });

  it('is never above 1, and 1 for what is random and for nothing at all', async () => {
    const random = new Uint8Array(300_000);
    crypto.getRandomValues(random.subarray(0, 65_536));
    for (let at = 65_536; at < random.length; at += 65_536) crypto.getRandomValues(random.subarray(at, at + 65_536));
    expect((await measure(random)).ratio).toBe(1);
    expect(await measure(new Uint8Array())).toEqual({
      encoding: 'byteplane-zstd-1',
      ratio: 1,
      sampledBytes: 0,
      requests: 0,
    });
    expect((await measure(Uint8Array.of(7))).ratio).toBe(1);
  });

  it('costs one request up to 1 MiB, and 1 MiB in 16 requests of any larger file', async () => {
    expect(await measure(new Uint8Array(MIB))).toMatchObject({ requests: 1, sampledBytes: MIB });
    const windows = sampleWindows(100e9);
    expect(windows).toHaveLength(16);
    expect(windows.reduce((sum, { length }) => sum + length, 0)).toBe(MIB);
    for (const [index, { offset, length }] of windows.entries()) {
      expect(offset).toBeGreaterThanOrEqual((index * 100e9) / 16);
      expect(offset + length).toBeLessThanOrEqual(((index + 1) * 100e9) / 16);
    }
  });

  it('keeps the windows of a file of hardly more than 1 MiB apart and inside of it', () => {
    for (const size of [MIB + 1, MIB + 15, MIB + 65_536]) {
      let end = 0;
      for (const { offset, length } of sampleWindows(size)) {
        expect(offset).toBeGreaterThanOrEqual(end);
        end = offset + length;
      }
      expect(end).toBeLessThanOrEqual(size);
    }
  });
});

describe('byte planes', () => {
  it('hold each byte once, in its element’s order', () => {
    const bytes = Uint8Array.from({ length: 11 }, (_, index) => index);
    expect(splitPlanes(bytes, 4).map((plane) => [...plane])).toEqual([
      [0, 4, 8],
      [1, 5, 9],
      [2, 6, 10],
      [3, 7],
    ]);
    expect(splitPlanes(bytes, 1)).toEqual([bytes]);
    expect([0, 1, 2, 3].map((plane) => planeLength(2, 4, plane))).toEqual([1, 1, 0, 0]);
  });
});
