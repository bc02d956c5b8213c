import { blobDigest, partHash } from '../../lib/shared/digest.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import type { Rng } from './rng.ts';

/** A valid safetensors file of `size` bytes or a few more, with random data; in every other one exponents are alike, as in weights. */
export function safetensors(rng: Rng, size: number): Buffer {
  const elements = Math.max(1, size - 128);
  const seed = rng.uint32();
  const mask = seed % 2 === 0 ? 0x01ff01ff : 0xffffffff;
  const header = JSON.stringify({
    __metadata__: { format: 'pt', seed: String(seed) },
    'model.layers.0.weight': { dtype: 'U8', shape: [elements], data_offsets: [0, elements] },
  });
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8, ' ');
  const file = Buffer.alloc(8 + padded.length + elements);
  file.writeBigUInt64LE(BigInt(padded.length), 0);
  file.write(padded, 8);
  for (let offset = 8 + padded.length; offset + 4 <= file.length; offset += 4) {
    file.writeUInt32LE((rng.uint32() & mask) >>> 0, offset);
  }
  return file;
}

/** Cut off in the middle of its data. */
export function truncatedSafetensors(rng: Rng, size: number): Buffer {
  const file = safetensors(rng, size);
  return file.subarray(0, file.length - 16);
}

/** A pickle that would run a command, whose name has two letters. */
export function pickle(command = 'id'): Buffer {
  return Buffer.from(`\x80\x02cposix\nsystem\nq\x00X\x02\x00\x00\x00${command}q\x01\x85q\x02Rq\x03.`, 'latin1');
}

/** Nothing but data: what a harmless checkpoint is, and what a judgement may pause in. */
export function pickledBytes(rng: Rng, size: number): Buffer {
  const file = Buffer.alloc(size);
  file.write('\x80\x03B', 'latin1');
  file.writeUInt32LE(size - 8, 3);
  for (let offset = 7; offset + 4 < size; offset += 4) file.writeUInt32LE(rng.uint32(), offset);
  file.write('.', size - 1, 'latin1');
  return file;
}

/** Of the same size, and nothing of it can be trusted: a pickle that would run a command, where the header was. */
export function hijacked(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes);
  pickle().copy(other);
  return other;
}

export function digestOf(bytes: Buffer, partSize: number): Digest {
  const hashes = [];
  for (let offset = 0; offset < bytes.length; offset += partSize)
    hashes.push(partHash(bytes.subarray(offset, offset + partSize)));
  return blobDigest(bytes.length, partSize, hashes);
}
