import { createCipheriv } from 'node:crypto';
import { MIB } from '../../lib/shared/units.ts';

export interface Tensor {
  readonly name: string;
  /** As the format writes it: row-major for safetensors, fastest dimension first for GGUF. */
  readonly shape: readonly number[];
}

/** The same bytes for the same seed everywhere; they look like weights to compressors, which is to say like noise. */
export function* noise(seed: string, length: number): Generator<Uint8Array> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.from(seed.padEnd(16).slice(0, 16)), Buffer.alloc(16));
  for (let made = 0; made < length; made += MIB) yield cipher.update(Buffer.alloc(Math.min(MIB, length - made)));
}

export function elements(tensor: Tensor): number {
  return tensor.shape.reduce((product, size) => product * size, 1);
}
