import { RefusedError } from '../errors.ts';
import type { RangedReader } from '../rangedReader.ts';

/** A model's architecture is the largest attribute that matters. */
const MAX_VALUE = 64 * 1024 * 1024;
const CLASSES = ['int', 'float', 'time', 'string', 'bits', 'opaque', 'compound', 'reference', 'enum', 'vlen', 'array'];
const STRING = 3;
const VLEN = 9;

const malformed = (text: string) => new RefusedError('hdf5.malformed', text);

export function readDatatype(data: Buffer): { name: string; bytes: number; classNumber: number } {
  if (data.length < 8) return { name: 'shared', bytes: 0, classNumber: -1 };
  const classNumber = (data[0] ?? 0) & 0x0f;
  const bytes = data.readUInt32LE(4);
  const kind = CLASSES[classNumber] ?? 'unknown';
  return { name: kind === 'int' || kind === 'float' ? `${kind}${bytes * 8}` : kind, bytes, classNumber };
}

export function readExtents(data: Buffer): number[] {
  const version = data[0] ?? 0;
  const rank = data[1] ?? 0;
  const start = version === 1 ? 8 : 4;
  if (data.length < start + rank * 8 || rank > 32) throw malformed('a dataspace is cut');
  return Array.from({ length: rank }, (_, axis) => Number(data.readBigUInt64LE(start + axis * 8)));
}

/** An attribute's name, and its value where it is one text or opaque bytes. */
export async function readAttribute(reader: RangedReader, data: Buffer): Promise<{ name: string; value?: Buffer }> {
  const version = data[0] ?? 0;
  if (version < 1 || version > 3 || data.length < 8) throw malformed(`an attribute of version ${version}`);
  const pad = (length: number) => (version === 1 ? Math.ceil(length / 8) * 8 : length);
  const [nameBytes, typeBytes, spaceBytes] = [data.readUInt16LE(2), data.readUInt16LE(4), data.readUInt16LE(6)];
  const nameAt = version === 3 ? 9 : 8;
  const typeAt = nameAt + pad(nameBytes);
  const spaceAt = typeAt + pad(typeBytes);
  const valueAt = spaceAt + pad(spaceBytes);
  if (valueAt > data.length) throw malformed('an attribute is cut');
  const name = data.toString('utf8', nameAt, nameAt + nameBytes).replace(/\0+$/, '');
  const sharesType = version > 1 && ((data[1] ?? 0) & 1) !== 0;
  const { classNumber, bytes } = readDatatype(data.subarray(typeAt, typeAt + typeBytes));
  const elements = readExtents(data.subarray(spaceAt, spaceAt + spaceBytes)).reduce((total, size) => total * size, 1);
  const raw = data.subarray(valueAt);
  if (sharesType || (classNumber === VLEN && elements !== 1)) return { name };
  if (classNumber === VLEN) return { name, value: await readHeapObject(reader, raw) };
  if (classNumber !== STRING && classNumber !== 5) return { name };
  return { name, value: raw.subarray(0, Math.min(raw.length, bytes * elements)) };
}

/** A variable-length value is its length, the address of a global heap, and an index there. */
async function readHeapObject(reader: RangedReader, reference: Buffer): Promise<Buffer> {
  if (reference.length < 16) throw malformed('a reference to a heap is cut');
  const length = reference.readUInt32LE(0);
  const address = Number(reference.readBigUInt64LE(4));
  const wanted = reference.readUInt32LE(12);
  if (length === 0) return Buffer.alloc(0);
  if (address + 16 > reader.size) throw malformed('a heap outside of the file');
  const head = Buffer.from(await reader.read(address, 16));
  const heapBytes = Number(head.readBigUInt64LE(8));
  if (head.subarray(0, 4).toString('latin1') !== 'GCOL' || heapBytes > MAX_VALUE || address + heapBytes > reader.size) {
    throw malformed('no global heap where an attribute points');
  }
  const heap = Buffer.from(await reader.read(address, heapBytes));
  for (let at = 16; at + 16 <= heap.length; ) {
    const index = heap.readUInt16LE(at);
    const bytes = Number(heap.readBigUInt64LE(at + 8));
    if (index === 0) break;
    if (index === wanted) {
      if (length > bytes || at + 16 + bytes > heap.length) throw malformed('a value longer than its place in the heap');
      return heap.subarray(at + 16, at + 16 + length);
    }
    at += 16 + Math.ceil(bytes / 8) * 8;
  }
  throw malformed('a value that is not in its heap');
}
