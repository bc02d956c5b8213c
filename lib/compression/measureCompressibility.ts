import { packBlock, packedSize } from './packBlock.ts';

/** 1 MiB at most is read of a file, in 16 requests: a file of several dtypes is told within a few hundredths. */
const WINDOWS = 16;
const WINDOW_BYTES = 64 * 1024;

export interface Window {
  readonly offset: number;
  readonly length: number;
}

export interface MeasuredCompressibility {
  readonly encoding: 'byteplane-zstd-1';
  /** Compressed ÷ original, over 0 and at most 1. */
  readonly ratio: number;
  readonly sampledBytes: number;
}

/** Where a file of `size` bytes is sampled: the middle of each of 16 equal stretches, or all of a file of up to 1 MiB. */
export function sampleWindows(size: number): readonly Window[] {
  if (size <= WINDOWS * WINDOW_BYTES) return size === 0 ? [] : [{ offset: 0, length: size }];
  const stretch = size / WINDOWS;
  return Array.from({ length: WINDOWS }, (_, index) => ({
    offset: Math.floor((index + 0.5) * stretch - WINDOW_BYTES / 2),
    length: WINDOW_BYTES,
  }));
}

/** How small the sampled windows get, by the same code that compresses. Reads them at once; throws what `read` throws. */
export async function measureCompressibility(
  size: number,
  read: (offset: number, length: number) => Promise<Uint8Array>,
): Promise<MeasuredCompressibility> {
  const windows = await Promise.all(sampleWindows(size).map(({ offset, length }) => read(offset, length)));
  let original = 0;
  let compressed = 0;
  for (const window of windows) {
    for (let at = 0; at < window.length; at += WINDOW_BYTES) {
      const block = window.subarray(at, at + WINDOW_BYTES);
      original += block.length;
      compressed += packedSize(packBlock(block));
    }
  }
  return { encoding: 'byteplane-zstd-1', ratio: original === 0 ? 1 : compressed / original, sampledBytes: original };
}
