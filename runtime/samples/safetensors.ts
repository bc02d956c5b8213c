import { elements, noise, type Tensor } from './tensors.ts';

const FLOAT16_BYTES = 2;

/** A safetensors file (u64le header length, JSON header, data) of half-precision tensors. */
export function* safetensorsFile(tensors: readonly Tensor[], metadata: Readonly<Record<string, string>>) {
  let offset = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt', ...metadata } };
  for (const tensor of tensors) {
    const end = offset + elements(tensor) * FLOAT16_BYTES;
    header[tensor.name] = { dtype: 'F16', shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  yield length;
  yield json;
  yield* noise(tensors[0]?.name ?? '', offset);
}
