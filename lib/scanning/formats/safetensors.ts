import { formatCount } from '../../shared/formatCount.ts';
import type { TensorFact } from '../analysis/tensors.ts';
import { RefusedError } from '../errors.ts';
import type { RangedReader } from '../rangedReader.ts';
import { type Json, type JsonObject, parseStrictJson } from '../strictJson.ts';

/** Bits per element of every dtype that the format knows. */
const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ['BOOL', 8],
  ['U8', 8],
  ['I8', 8],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['F8_E8M0', 8],
  ['F8_E4M3FNUZ', 8],
  ['F8_E5M2FNUZ', 8],
  ['I16', 16],
  ['U16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['I32', 32],
  ['U32', 32],
  ['F32', 32],
  ['I64', 64],
  ['U64', 64],
  ['F64', 64],
  ['C64', 64],
]);

/** The reference implementation's limit; headers of the largest published models stay below 12 MB. */
const MAX_HEADER = 100_000_000;
/** What the parsed header may take of a 512 MB process; above it the file is too large to judge, not invalid. */
const MAX_PARSED_HEADER = 32 * 1024 * 1024;
const MAX_TENSORS = 500_000;
const MAX_RANK = 64;
const FIRST_READ = 64 * 1024;

export interface TensorFile {
  readonly tensors: readonly TensorFact[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** Whether the first bytes could be a safetensors file: a little-endian header length, then `{`. */
export function looksLikeSafetensors(head: Uint8Array): boolean {
  return head.length >= 9 && head[8] === 0x7b && head[5] === 0 && head[6] === 0 && head[7] === 0;
}

/**
 * Reads the header of a safetensors file: u64le length, JSON, then tensor data that the offsets must cover exactly,
 * without hole, overlap or rest. Throws a `RefusedError` on anything else. Never touches the tensor data.
 * @see https://github.com/huggingface/safetensors#format
 */
export async function readSafetensors(reader: RangedReader): Promise<TensorFile> {
  if (reader.size < 9) throw new RefusedError('safetensors.header', 'shorter than the smallest header', 0);
  const head = await reader.read(0, Math.min(reader.size, FIRST_READ));
  const length = readHeaderLength(head, reader.size);
  const inHead = head.subarray(8, 8 + length);
  const rest = 8 + length - head.length;
  const header = rest > 0 ? Buffer.concat([inHead, await reader.read(head.length, rest)]) : inHead;
  const json = parseHeader(header);
  const metadata = readMetadata(json.get('__metadata__'));
  json.delete('__metadata__');
  const tensors = [...json].map(([name, value]) => readTensor(name, value));
  checkLayout(tensors, reader.size - 8 - length, 8 + length);
  return {
    metadata,
    tensors: tensors.map(({ name, dtype, shape, begin, end }) => ({ name, dtype, shape, bytes: end - begin })),
  };
}

function readHeaderLength(head: Uint8Array, size: number): number {
  const length = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER)) {
    throw new RefusedError(
      'safetensors.header',
      `the header claims ${formatCount(length, 'byte')}; ${MAX_HEADER} are allowed`,
      0,
    );
  }
  if (length > BigInt(MAX_PARSED_HEADER)) throw new RefusedError('file.too-large', `a header of ${length} bytes`, 0);
  if (length > BigInt(size - 8)) {
    throw new RefusedError(
      'safetensors.header',
      `the header claims ${formatCount(length, 'byte')}; the file has ${size}`,
      0,
    );
  }
  if (length < 2n) throw new RefusedError('safetensors.header', 'an empty header', 0);
  return Number(length);
}

function parseHeader(bytes: Uint8Array): JsonObject {
  if (bytes[0] !== 0x7b) throw new RefusedError('safetensors.header', 'the header does not begin with {', 8);
  const json = parseStrictJson(bytes, {
    rule: 'safetensors.header',
    maxDepth: 4,
    maxValues: MAX_TENSORS * 10,
    integersOnly: true,
    offset: 8,
  });
  if (!(json instanceof Map)) throw new RefusedError('safetensors.header', 'the header is not an object', 8);
  for (const name of json.keys()) {
    if (!name.isWellFormed()) throw new RefusedError('safetensors.header', 'a name with half a character', 8);
  }
  if (json.size > MAX_TENSORS) throw new RefusedError('file.too-large', `${json.size} tensors`, 8);
  return json;
}

function readMetadata(value: Json | undefined): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!(value instanceof Map)) throw new RefusedError('safetensors.header', '__metadata__ is not an object', 8);
  for (const [key, text] of value) {
    if (typeof text !== 'string') throw new RefusedError('safetensors.header', `metadata ${key} is not a string`, 8);
    if (!key.isWellFormed() || !text.isWellFormed())
      throw new RefusedError('safetensors.header', `metadata ${key} with half a character`, 8);
    metadata.set(key, text);
  }
  return metadata;
}

interface Placed extends TensorFact {
  readonly begin: number;
  readonly end: number;
}

function readTensor(name: string, value: Json): Placed {
  const refuse = (text: string) => new RefusedError('safetensors.tensor', `tensor ${name}: ${text}`);
  if (!(value instanceof Map) || value.size !== 3) throw refuse('not an object of dtype, shape and data_offsets');
  const dtype = value.get('dtype');
  const bits = typeof dtype === 'string' ? DTYPE_BITS.get(dtype) : undefined;
  if (typeof dtype !== 'string' || bits === undefined) throw refuse('its dtype is unknown');
  const shape = naturals(value.get('shape'));
  if (shape === undefined || shape.length > MAX_RANK) throw refuse('the shape is not a list of sizes');
  const [begin, end, ...more] = naturals(value.get('data_offsets')) ?? [];
  if (begin === undefined || end === undefined || more.length > 0 || end < begin) throw refuse('bad data_offsets');
  const expected = shape.reduce((product, size) => product * BigInt(size), BigInt(bits));
  if (expected % 8n !== 0n) throw refuse('its elements do not fill whole bytes');
  if (expected / 8n !== BigInt(end - begin)) {
    throw refuse(
      `${dtype} of shape [${shape.join()}] takes ${formatCount(expected / 8n, 'byte')}, its offsets ${end - begin}`,
    );
  }
  return { name, dtype, shape, bytes: end - begin, begin, end };
}

function naturals(value: Json | undefined): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers = value.filter((item) => typeof item === 'number' && item >= 0);
  return numbers.length === value.length ? numbers.map(Number) : undefined;
}

function checkLayout(tensors: readonly Placed[], dataBytes: number, dataStart: number): void {
  let covered = 0;
  for (const { name, begin, end } of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) {
      const what =
        begin < covered ? 'overlaps the one before it' : `leaves a hole of ${formatCount(begin - covered, 'byte')}`;
      throw new RefusedError('safetensors.layout', `tensor ${name} ${what}`, dataStart + begin);
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    const what =
      covered > dataBytes
        ? `${formatCount(covered - dataBytes, 'byte is', 'bytes are')} missing`
        : formatCount(dataBytes - covered, 'byte follows', 'bytes follow');
    throw new RefusedError('safetensors.layout', `the tensors end at ${covered}: ${what}`, dataStart + covered);
  }
}
