import { formatCount } from '../../shared/formatCount.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { createSliceReader, type RangedReader } from '../rangedReader.ts';
import { numpyDtype } from './numpyDtype.ts';
import { judgePickles } from './pickleFile.ts';
import { type PythonLiteral, parsePythonLiteral } from './pythonLiteral.ts';

const MAX_HEADER = 1024 * 1024;
const MAX_RANK = 64;

export function looksLikeNpy(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 6)).equals(Buffer.from('\x93NUMPY', 'latin1'));
}

/** Judges an array file: its header, that exactly the elements follow, and the pickle where they are objects. */
export async function judgeNpy(reader: RangedReader, inspection: Inspection, name = 'array'): Promise<void> {
  const { header, dataOffset } = await readHeader(reader);
  const { descr, shape } = parseHeader(header);
  const elements = shape.reduce((product, size) => product * size, 1);
  const { itemBytes, hasObjects, spelling } = describeDtype(descr);
  if (hasObjects) {
    // numpy unpickles what follows the header: it is judged as what it is.
    const rest = createSliceReader(reader, dataOffset, reader.size - dataOffset);
    await judgePickles(rest, inspection, { persistentIds: 'none' });
    return;
  }
  const bytes = elements * itemBytes;
  if (bytes !== reader.size - dataOffset) {
    const text = `${formatCount(reader.size - dataOffset, 'byte')} of elements where the header tells of ${bytes}`;
    throw new RefusedError('npy.malformed', text, dataOffset);
  }
  inspection.addTensor({ name, dtype: spelling, shape, bytes });
}

export async function judgeNpyMember(name: string, reader: RangedReader, inspection: Inspection): Promise<void> {
  const child = inspection.child(name);
  await child.guard(() => judgeNpy(reader, child, name.replace(/\.npy$/, '')), undefined);
}

async function readHeader(reader: RangedReader): Promise<{ header: string; dataOffset: number }> {
  const head = await reader.read(0, Math.min(reader.size, 12));
  const [major = 0, minor = 0] = head.subarray(6, 8);
  const start = major === 1 ? 10 : 12;
  if (!looksLikeNpy(head) || head.length < start || major < 1 || major > 3 || minor !== 0) {
    throw new RefusedError('npy.malformed', `npy version ${major}.${minor}`, 0);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER || length > reader.size - start) {
    throw new RefusedError('npy.malformed', `a header of ${formatCount(length, 'byte')}`, 8);
  }
  const bytes = Buffer.from(await reader.read(start, length));
  return { header: bytes.toString(major === 3 ? 'utf8' : 'latin1'), dataOffset: start + length };
}

function parseHeader(header: string): { descr: PythonLiteral; shape: number[] } {
  const literal = parsePythonLiteral(header, 'npy.malformed');
  const keys = literal instanceof Map ? [...literal.keys()].sort().join() : '';
  if (!(literal instanceof Map) || keys !== 'descr,fortran_order,shape') {
    throw new RefusedError('npy.malformed', 'the header is not a dictionary of descr, fortran_order and shape', 10);
  }
  const shape = literal.get('shape');
  const sizes = Array.isArray(shape) ? shape.filter((size) => typeof size === 'number' && size >= 0).map(Number) : [];
  if (!Array.isArray(shape) || sizes.length !== shape.length || sizes.length > MAX_RANK) {
    throw new RefusedError('npy.malformed', 'the shape is not a tuple of sizes', 10);
  }
  if (typeof literal.get('fortran_order') !== 'boolean') {
    throw new RefusedError('npy.malformed', 'fortran_order is not a truth value', 10);
  }
  return { descr: literal.get('descr') ?? null, shape: sizes };
}

interface Described {
  readonly spelling: string;
  readonly itemBytes: number;
  readonly hasObjects: boolean;
}

/** A spelling, or a list of fields `(name, dtype[, shape])`, nested. */
function describeDtype(descr: PythonLiteral, depth = 0): Described {
  if (typeof descr === 'string') {
    const { itemBytes, hasObjects, known } = numpyDtype(descr);
    if (!known && !hasObjects) throw new RefusedError('npy.malformed', `an unknown dtype ${descr.slice(0, 40)}`, 10);
    return { spelling: descr.slice(0, 40), itemBytes, hasObjects };
  }
  if (!Array.isArray(descr) || depth > 16) throw new RefusedError('npy.malformed', 'a dtype of an unknown form', 10);
  let itemBytes = 0;
  let hasObjects = false;
  // A sub-dtype is a pair of a dtype and a shape, a structure a list of fields.
  const [first, second] = descr;
  if (descr.length === 2 && !Array.isArray(first) && Array.isArray(second)) {
    const inner = describeDtype(first ?? null, depth + 1);
    return { ...inner, itemBytes: inner.itemBytes * product(second) };
  }
  for (const field of descr) {
    const [, type, shape] = Array.isArray(field) ? field : [];
    if (type === undefined) throw new RefusedError('npy.malformed', 'a field without a dtype', 10);
    const inner = describeDtype(type, depth + 1);
    itemBytes += inner.itemBytes * (shape === undefined ? 1 : product(shape));
    hasObjects ||= inner.hasObjects;
  }
  return { spelling: 'structured', itemBytes, hasObjects };
}

function product(shape: PythonLiteral): number {
  const sizes = Array.isArray(shape) ? shape : [shape];
  return sizes.reduce<number>((total, size) => total * (typeof size === 'number' && size >= 0 ? size : Number.NaN), 1);
}
