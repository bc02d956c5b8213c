import { createBufferReader, type HeaderVerdict, judgeHeader, type RangedReader } from '../../../lib/scanning/index.ts';

export function judgeBytes(bytes: Uint8Array): Promise<HeaderVerdict> {
  return judgeHeader(createBufferReader(bytes));
}

export function rulesOf(verdict: HeaderVerdict): string[] {
  return verdict.reasons.map(({ rule }) => rule);
}

/** A file of `size` bytes that are zero but for its first ones: what a sparse file looks like. */
export function sparseReader(head: Uint8Array, size: number): RangedReader {
  return {
    size,
    async read(offset, length) {
      if (offset < 0 || offset + length > size) throw new RangeError(`read ${offset}+${length} of ${size}`);
      const out = new Uint8Array(length);
      out.set(head.subarray(Math.min(offset, head.length), Math.min(offset + length, head.length)));
      return out;
    },
  };
}

/** A safetensors file from the text of its header. */
export function safetensorsFile(header: string, dataBytes = 0, claimedLength?: number | bigint): Buffer {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimedLength ?? json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

export const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
};
export const u64 = (value: number | bigint): Buffer => {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
};
export const ggufString = (text: string): Buffer => Buffer.concat([u64(Buffer.byteLength(text)), Buffer.from(text)]);
export const ggufEntry = (key: string, type: number, value: Buffer): Buffer =>
  Buffer.concat([ggufString(key), u32(type), value]);
export const ggufTensor = (name: string, dims: (number | bigint)[], type: number, offset: number): Buffer =>
  Buffer.concat([ggufString(name), u32(dims.length), ...dims.map(u64), u32(type), u64(offset)]);

/** A GGUF v3 file; counts follow the parts unless they are claimed otherwise. */
export function ggufFile(options: {
  entries?: Buffer[];
  tensors?: Buffer[];
  dataBytes?: number;
  version?: number;
  entryCount?: number | bigint;
  tensorCount?: number | bigint;
  alignment?: number;
}): Buffer {
  const { entries = [], tensors = [], dataBytes = 0, alignment = 32 } = options;
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(options.version ?? 3),
    u64(options.tensorCount ?? tensors.length),
    u64(options.entryCount ?? entries.length),
    ...entries,
    ...tensors,
  ]);
  const padding = tensors.length > 0 ? (alignment - (header.length % alignment)) % alignment : 0;
  return Buffer.concat([header, Buffer.alloc(padding + dataBytes)]);
}
