import { Rng } from '../simulation/rng.ts';

/** Normally distributed weights by a seed, in the bytes of a dtype: what a trained layer looks like to a compressor. */
export const WEIGHT_DTYPES = ['BF16', 'F16', 'F32', 'F32-from-BF16', 'I8'] as const;
export type WeightDtype = (typeof WEIGHT_DTYPES)[number];

export function weights(dtype: WeightDtype, count: number, seed: number): Uint8Array {
  const next = normals(seed);
  const floats = new Float32Array(count);
  // Millions of them: a loop takes a third of the time of `from`.
  for (let index = 0; index < count; index += 1) floats[index] = 0.02 * next();
  return asDtype(dtype, floats);
}

/** The same weights in the bytes of another dtype; BF16 by cutting off. */
export function asDtype(dtype: WeightDtype, floats: Float32Array<ArrayBuffer>): Uint8Array {
  const words = new Uint32Array(floats.buffer);
  switch (dtype) {
    case 'F32':
      return new Uint8Array(floats.buffer);
    case 'F32-from-BF16':
      return new Uint8Array(words.map((word) => (word & 0xffff0000) >>> 0).buffer);
    case 'BF16':
      return new Uint8Array(new Uint16Array(words.map((word) => word >>> 16)).buffer);
    case 'F16':
      return new Uint8Array(new Float16Array(floats).buffer);
    case 'I8':
      // Quantised to the full range of a block of 32, as Q8_0 does.
      return new Uint8Array(
        new Int8Array(floats.map((value) => Math.max(-127, Math.min(127, (value / 0.05) * 127)))).buffer,
      );
  }
}

function normals(seed: number): () => number {
  const rng = new Rng(seed);
  return () => Math.sqrt(-2 * Math.log(1 - rng.number())) * Math.cos(2 * Math.PI * rng.number());
}
