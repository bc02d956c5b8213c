import type { Rng } from './rng.ts';

/** A valid safetensors file of `size` bytes or a few more, with random data. */
export function safetensors(rng: Rng, size: number): Buffer {
  const elements = Math.max(1, size - 128);
  const header = JSON.stringify({
    __metadata__: { format: 'pt', seed: String(rng.uint32()) },
    'model.layers.0.weight': { dtype: 'U8', shape: [elements], data_offsets: [0, elements] },
  });
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
  const file = Buffer.alloc(8 + padded.length + elements);
  file.writeBigUInt64LE(BigInt(padded.length), 0);
  file.write(padded, 8);
  for (let offset = 8 + padded.length; offset + 4 <= file.length; offset += 4) file.writeUInt32LE(rng.uint32(), offset);
  return file;
}

/** Cut off in the middle of its data. */
export function truncatedSafetensors(rng: Rng, size: number): Buffer {
  const file = safetensors(rng, size);
  return file.subarray(0, file.length - 16);
}

/** A pickle that would run a command. */
export function pickle(): Buffer {
  return Buffer.from('\x80\x02cposix\nsystem\nq\x00X\x02\x00\x00\x00idq\x01\x85q\x02Rq\x03.', 'latin1');
}
