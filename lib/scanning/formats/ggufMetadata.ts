import { formatCount } from '../../shared/formatCount.ts';
import type { Cursor } from '../cursor.ts';
import { RefusedError } from '../errors.ts';
import type { RuleId } from '../rules.ts';

const MAX_ENTRIES = 65_536;
/** ggml's limit for keys. */
const MAX_KEY = 65_535;
const MAX_STRING = 16 * 1024 * 1024;
/** Longer values are checked and dropped; templates are kept whole, because they are judged. */
const MAX_KEPT = 4_096;
const MAX_ARRAY_DEPTH = 4;
/** Elements of all arrays together; the largest published vocabularies have a few hundred thousand entries, three times. */
const MAX_ELEMENTS = 20_000_000;
const DEFAULT_ALIGNMENT = 32;
const STRING = 8;
const ARRAY = 9;

/** Bytes of each scalar type by its number (GGUF value types 0 to 7 and 10 to 12). */
const SCALAR_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
]);
const UINT32 = 4;
const BOOL = 7;

export interface GgufMetadata {
  readonly metadata: ReadonlyMap<string, string>;
  readonly templates: ReadonlyMap<string, string>;
  readonly alignment: number;
}

interface Budget {
  elements: number;
}

export async function readGgufMetadata(cursor: Cursor, count: number): Promise<GgufMetadata> {
  // Key length, one byte of key, type, one byte of value.
  if (count > Math.min(MAX_ENTRIES, cursor.left / 14)) {
    throw new RefusedError('gguf.header', `${count} metadata entries do not fit into the file`, 16);
  }
  const metadata = new Map<string, string>();
  const templates = new Map<string, string>();
  const budget = { elements: MAX_ELEMENTS };
  let alignment = DEFAULT_ALIGNMENT;
  for (let index = 0; index < count; index += 1) {
    const at = cursor.offset;
    const key = await readString(cursor, MAX_KEY, 'gguf.metadata');
    if (metadata.has(key)) throw new RefusedError('gguf.metadata', `two entries are named ${key}`, at);
    await cursor.ensure(4);
    const type = cursor.u32();
    if (key === 'general.alignment') alignment = await readAlignment(cursor, type);
    const value = key === 'general.alignment' ? String(alignment) : await readValue(cursor, type, budget, 0);
    metadata.set(key, value.length > MAX_KEPT ? `${value.slice(0, MAX_KEPT)}…` : value);
    if (type === STRING && /template/i.test(key)) templates.set(key, value);
  }
  return { metadata, templates, alignment };
}

async function readAlignment(cursor: Cursor, type: number): Promise<number> {
  const at = cursor.offset;
  await cursor.ensure(4);
  const alignment = type === UINT32 ? cursor.u32() : 0;
  // A power of two; ggml asks for a multiple of 8 as well.
  if (alignment < 8 || alignment > 2 ** 30 || (alignment & (alignment - 1)) !== 0) {
    throw new RefusedError('gguf.metadata', `general.alignment of type ${type} is ${alignment}`, at);
  }
  return alignment;
}

async function readValue(cursor: Cursor, type: number, budget: Budget, depth: number): Promise<string> {
  if (type === STRING) return readString(cursor, MAX_STRING, 'gguf.metadata');
  if (type === ARRAY) return readArray(cursor, budget, depth);
  const width = SCALAR_BYTES.get(type);
  if (width === undefined) throw new RefusedError('gguf.metadata', `unknown value type ${type}`, cursor.offset);
  await cursor.ensure(width);
  return scalarText(cursor, type, width);
}

function scalarText(cursor: Cursor, type: number, width: number): string {
  const at = cursor.offset;
  const bytes = cursor.bytes(width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, width);
  const little = cursor.littleEndian;
  if (type === 6) return String(view.getFloat32(0, little));
  if (type === 12) return String(view.getFloat64(0, little));
  if (width === 8) return String(type === 11 ? view.getBigInt64(0, little) : view.getBigUint64(0, little));
  if (width === 4) return String(type === 5 ? view.getInt32(0, little) : view.getUint32(0, little));
  if (width === 2) return String(type === 3 ? view.getInt16(0, little) : view.getUint16(0, little));
  const byte = view.getUint8(0);
  if (type === BOOL && byte > 1) throw new RefusedError('gguf.metadata', `a boolean of value ${byte}`, at);
  return String(type === 1 ? view.getInt8(0) : byte);
}

/** Walks an array and answers how it looks; its elements are checked, not kept. */
async function readArray(cursor: Cursor, budget: Budget, depth: number): Promise<string> {
  const at = cursor.offset;
  await cursor.ensure(12);
  const type = cursor.u32();
  const count = cursor.u64();
  const width = SCALAR_BYTES.get(type);
  if (width === undefined && type !== STRING && type !== ARRAY) {
    throw new RefusedError('gguf.metadata', `an array of unknown type ${type}`, at);
  }
  if (depth >= MAX_ARRAY_DEPTH) throw new RefusedError('gguf.metadata', 'arrays are nested too deeply', at);
  // A string is at least its length, an array its type and length.
  if (count > cursor.left / (width ?? 8)) {
    throw new RefusedError('gguf.metadata', `an array of ${count} elements does not fit into the file`, at);
  }
  if (width !== undefined) {
    cursor.skip(count * width);
    return `[${count}]`;
  }
  budget.elements -= count;
  if (budget.elements < 0) throw new RefusedError('file.too-large', `more than ${MAX_ELEMENTS} metadata elements`, at);
  for (let index = 0; index < count; index += 1) {
    if (type === ARRAY) await readArray(cursor, budget, depth + 1);
    else await skipString(cursor);
  }
  return `[${count}]`;
}

async function skipString(cursor: Cursor): Promise<void> {
  await cursor.ensure(8);
  const length = cursor.u64();
  if (length > cursor.left) throw cursor.truncated(length);
  cursor.skip(length);
}

export async function readString(cursor: Cursor, maxLength: number, rule: RuleId): Promise<string> {
  const at = cursor.offset;
  await cursor.ensure(8);
  const length = cursor.u64();
  if (length > maxLength)
    throw new RefusedError(rule, `a string of ${formatCount(length, 'byte')}; ${maxLength} are allowed`, at);
  await cursor.ensure(length);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(cursor.bytes(length));
  } catch {
    throw new RefusedError(rule, 'a string is not UTF-8', at);
  }
}
