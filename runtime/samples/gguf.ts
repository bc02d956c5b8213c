import { elements, noise, type Tensor } from './tensors.ts';

// The layout and the numbers of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, version 3.
const ALIGNMENT = 32;
const VALUE = { uint32: 4, float32: 6, string: 8, array: 9 } as const;
const TENSOR = { F32: 0, Q8_0: 8 } as const;
/** Q8_0 stores 32 weights in a half-precision scale and 32 bytes. */
const Q8_BLOCK = { weights: 32, bytes: 34 } as const;

export type GgufValue =
  | { readonly uint32: number }
  | { readonly float32: number }
  | { readonly text: string }
  | { readonly texts: readonly string[] };

/** A GGUF file whose matrices are Q8_0 and whose vectors are single precision, as llama.cpp's quantiser leaves them. */
export function* ggufFile(metadata: ReadonlyMap<string, GgufValue>, tensors: readonly Tensor[]) {
  const head: Buffer[] = [Buffer.from('GGUF'), uint32(3), uint64(tensors.length), uint64(metadata.size)];
  for (const [name, value] of metadata) head.push(text(name), ...encoded(value));
  let offset = 0;
  for (const tensor of tensors) {
    head.push(text(tensor.name), uint32(tensor.shape.length), ...tensor.shape.map(uint64));
    head.push(uint32(isMatrix(tensor) ? TENSOR.Q8_0 : TENSOR.F32), uint64(offset));
    offset = aligned(offset + bytesOf(tensor));
  }
  const written = Buffer.concat(head);
  yield written;
  yield Buffer.alloc(aligned(written.byteLength) - written.byteLength);
  yield* noise(tensors[0]?.name ?? '', offset);
}

function isMatrix(tensor: Tensor): boolean {
  return tensor.shape.length > 1;
}

function bytesOf(tensor: Tensor): number {
  return isMatrix(tensor) ? (elements(tensor) / Q8_BLOCK.weights) * Q8_BLOCK.bytes : elements(tensor) * 4;
}

function encoded(value: GgufValue): readonly Buffer[] {
  if ('uint32' in value) return [uint32(VALUE.uint32), uint32(value.uint32)];
  if ('text' in value) return [uint32(VALUE.string), text(value.text)];
  if ('texts' in value) {
    return [uint32(VALUE.array), uint32(VALUE.string), uint64(value.texts.length), ...value.texts.map(text)];
  }
  const float = Buffer.alloc(4);
  float.writeFloatLE(value.float32);
  return [uint32(VALUE.float32), float];
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.byteLength), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function aligned(offset: number): number {
  return Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
}
