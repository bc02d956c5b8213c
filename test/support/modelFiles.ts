/** A well-formed safetensors file with one tensor of `values` bytes, all of them `fill`. */
export function safetensorsOf(values: number, fill: number): Uint8Array {
  const header = JSON.stringify({ w: { dtype: 'U8', shape: [values], data_offsets: [0, values] } });
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, Buffer.from(padded), Buffer.alloc(values, fill)]);
}
