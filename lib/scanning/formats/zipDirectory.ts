import { RefusedError } from '../errors.ts';
import type { RangedReader } from '../rangedReader.ts';

/** A central directory entry whose local header says the same. */
export interface ZipEntry {
  readonly name: string;
  readonly method: 'stored' | 'deflated';
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
  readonly dataOffset: number;
  readonly isDirectory: boolean;
  /** The first bytes of the data as they lie in the archive; how many is up to the reader. */
  readonly head: Uint8Array;
}

/** As the central directory spells it, before the local header was read. */
export interface DirectoryEntry {
  readonly rawName: Uint8Array;
  readonly flags: number;
  readonly methodNumber: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
  readonly unixMode: number;
}

interface End {
  readonly entries: number;
  readonly directoryOffset: number;
  readonly directoryBytes: number;
  /** Where the directory's trailer (zip64 record or EOCD) begins. */
  readonly trailerOffset: number;
}

const EOCD = Buffer.from('PK\x05\x06', 'latin1');
const EOCD_BYTES = 22;
const MAX_COMMENT = 65_535;
const EOCD64 = 0x06064b50;
const EOCD64_BYTES = 56;
const LOCATOR = 0x07064b50;
const LOCATOR_BYTES = 20;
const CENTRAL = 0x02014b50;
const CENTRAL_BYTES = 46;
const MAX_ENTRIES = 200_000;
const MAX_DIRECTORY = 64 * 1024 * 1024;
const FULL16 = 0xffff;
const FULL32 = 0xffffffff;

const malformed = (text: string, offset?: number) => new RefusedError('zip.malformed', text, offset);
const ambiguous = (text: string, offset?: number) => new RefusedError('zip.ambiguous', text, offset);

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function readU64(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`a size of ${value}`);
  return Number(value);
}

/**
 * Reads the central directory of a zip that every reader must see alike: one end record, at the end of the file, whose
 * directory lies directly before it. Loaders differ in how they search for it, and attacks live from that.
 */
export async function readDirectory(reader: RangedReader): Promise<{ entries: DirectoryEntry[]; offset: number }> {
  const end = await readEnd(reader);
  if (end.entries > MAX_ENTRIES || end.directoryBytes > MAX_DIRECTORY) {
    throw new RefusedError('file.too-large', `a zip directory of ${end.entries} entries`);
  }
  if (end.directoryOffset + end.directoryBytes !== end.trailerOffset) {
    throw ambiguous('the directory does not end where its end record begins', end.trailerOffset);
  }
  const bytes = await reader.read(end.directoryOffset, end.directoryBytes);
  const entries: DirectoryEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const { entry, length } = readEntry(bytes, at, end.directoryOffset);
    entries.push(entry);
    if (entries.length > end.entries) break;
    at += length;
  }
  if (entries.length !== end.entries)
    throw ambiguous(`the end record counts ${end.entries} entries, not ${entries.length}`);
  return { entries, offset: end.directoryOffset };
}

/** Whether bytes of another format carry a zip at their end, which zip readers would find there. */
export function endsLikeZip(tail: Uint8Array, size: number): boolean {
  return endCandidates(tail, size).length > 0 || endsLikePythonZip(tail, size);
}

/** Python asks neither for the disk nor for the offset nor whether the comment fits: its directory lies before the end record. */
function endsLikePythonZip(tail: Uint8Array, size: number): boolean {
  const view = viewOf(tail);
  for (const at of endRecords(tail)) {
    const start = at - view.getUint32(at + 12, true);
    const hasLocator = at >= LOCATOR_BYTES && view.getUint32(at - LOCATOR_BYTES, true) === LOCATOR;
    const beforeTail = start < 0 && start + size - tail.length >= 0;
    if (hasLocator || beforeTail || (start >= 0 && view.getUint32(start, true) === CENTRAL)) return true;
  }
  return false;
}

/** Where end records could begin, the last one first. */
function* endRecords(tail: Uint8Array): Generator<number> {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  let at = tail.length - EOCD_BYTES + 1;
  while (at > 0) {
    at = bytes.lastIndexOf(EOCD, at - 1);
    if (at >= 0) yield at;
  }
}

/** Offsets in `tail` of end records whose directory could lie inside the file, whatever follows them. */
function endCandidates(tail: Uint8Array, size: number): number[] {
  const view = viewOf(tail);
  const candidates: number[] = [];
  for (const at of endRecords(tail)) {
    const position = size - tail.length + at;
    const [bytes, offset] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
    const zip64 = bytes === FULL32 || offset === FULL32;
    const commentFits = at + EOCD_BYTES + view.getUint16(at + 20, true) <= tail.length;
    if (commentFits && (zip64 || bytes + offset <= position) && view.getUint16(at + 4, true) <= 1) candidates.push(at);
  }
  return candidates;
}

async function readEnd(reader: RangedReader): Promise<End> {
  const tailBytes = Math.min(reader.size, EOCD_BYTES + MAX_COMMENT);
  const tail = await reader.read(reader.size - tailBytes, tailBytes);
  const candidates = endCandidates(tail, reader.size);
  const [at, ...others] = candidates;
  if (at === undefined) throw malformed('no end record');
  const position = reader.size - tailBytes + at;
  // A record in the last bytes is the one that every reader finds first; one with a comment leaves a choice.
  if (others.length > 0 && at !== tailBytes - EOCD_BYTES)
    throw ambiguous('two end records: readers choose different ones', position);
  const view = viewOf(tail);
  if (at + EOCD_BYTES + view.getUint16(at + 20, true) !== tailBytes)
    throw ambiguous('bytes follow the end record', position);
  // Nobody who writes models writes comments; readable ones are left alone.
  const comment = Buffer.from(tail.subarray(at + EOCD_BYTES)).toString('latin1');
  if (/[^\t\n\r -~]/.test(comment)) throw new RefusedError('zip.hidden', 'a comment that is no text', position);
  const [disk, directoryDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
  const [here, total] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  if (disk !== directoryDisk || here !== total || (disk !== 0 && disk !== FULL16))
    throw malformed('several disks', position);
  const plain = {
    entries: total,
    directoryBytes: view.getUint32(at + 12, true),
    directoryOffset: view.getUint32(at + 16, true),
    trailerOffset: position,
  };
  const zip64 = await readEnd64(reader, position);
  if (zip64 === undefined) {
    if (plain.entries === FULL16 || plain.directoryBytes === FULL32 || plain.directoryOffset === FULL32) {
      throw malformed('a zip64 end record is missing', position);
    }
    return plain;
  }
  const agrees =
    (plain.entries === FULL16 || plain.entries === zip64.entries) &&
    (plain.directoryBytes === FULL32 || plain.directoryBytes === zip64.directoryBytes) &&
    (plain.directoryOffset === FULL32 || plain.directoryOffset === zip64.directoryOffset);
  if (!agrees) throw ambiguous('the zip64 end record contradicts the plain one', position);
  return zip64;
}

async function readEnd64(reader: RangedReader, eocdOffset: number): Promise<End | undefined> {
  if (eocdOffset < LOCATOR_BYTES + EOCD64_BYTES) return undefined;
  const trailerOffset = eocdOffset - LOCATOR_BYTES - EOCD64_BYTES;
  const trailer = viewOf(await reader.read(trailerOffset, EOCD64_BYTES + LOCATOR_BYTES));
  if (trailer.getUint32(EOCD64_BYTES, true) !== LOCATOR) return undefined;
  if (readU64(trailer, EOCD64_BYTES + 8) !== trailerOffset)
    throw ambiguous('the zip64 locator points elsewhere', eocdOffset);
  if (trailer.getUint32(0, true) !== EOCD64 || readU64(trailer, 4) !== EOCD64_BYTES - 12) {
    throw malformed('a zip64 end record of an unknown form', trailerOffset);
  }
  const entries = readU64(trailer, 32);
  if (readU64(trailer, 24) !== entries || trailer.getUint32(16, true) !== 0 || trailer.getUint32(20, true) !== 0) {
    throw malformed('several disks', trailerOffset);
  }
  return { entries, directoryBytes: readU64(trailer, 40), directoryOffset: readU64(trailer, 48), trailerOffset };
}

function readEntry(bytes: Uint8Array, at: number, base: number): { entry: DirectoryEntry; length: number } {
  const offset = base + at;
  if (bytes.length - at < CENTRAL_BYTES) throw malformed('a directory entry is cut', offset);
  const view = viewOf(bytes.subarray(at));
  if (view.getUint32(0, true) !== CENTRAL) throw malformed('not a directory entry', offset);
  const [nameBytes, extraBytes, commentBytes] = [
    view.getUint16(28, true),
    view.getUint16(30, true),
    view.getUint16(32, true),
  ];
  const length = CENTRAL_BYTES + nameBytes + extraBytes + commentBytes;
  if (bytes.length - at < length) throw malformed('a directory entry is cut', offset);
  if (view.getUint16(34, true) !== 0) throw malformed('an entry on another disk', offset);
  const nameAt = at + CENTRAL_BYTES;
  const plain = {
    compressedBytes: view.getUint32(20, true),
    bytes: view.getUint32(24, true),
    headerOffset: view.getUint32(42, true),
  };
  const sizes = applyZip64(plain, bytes.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes), offset);
  const entry = {
    rawName: bytes.subarray(nameAt, nameAt + nameBytes),
    flags: view.getUint16(8, true),
    methodNumber: view.getUint16(10, true),
    crc: view.getUint32(16, true),
    // The high half holds a Unix mode only where the entry was made on Unix.
    unixMode: view.getUint8(5) === 3 ? view.getUint16(40, true) : 0,
    ...sizes,
  };
  return { entry, length };
}

interface Sizes {
  readonly compressedBytes: number;
  readonly bytes: number;
  readonly headerOffset: number;
}

/** Extra field 1 holds the values that are all ones in the header, in this order; 0x7075 would rename the entry. */
function applyZip64(plain: Sizes, extra: Uint8Array, offset: number): Sizes {
  const fields = readExtra(extra, offset);
  if (fields.has(0x7075)) throw ambiguous('a second name in an extra field', offset);
  const zip64 = fields.get(1);
  let at = 0;
  const take = (value: number) => {
    if (value !== FULL32) return value;
    if (zip64 === undefined || zip64.length - at < 8) throw malformed('a zip64 size is missing', offset);
    at += 8;
    return readU64(viewOf(zip64), at - 8);
  };
  const bytes = take(plain.bytes);
  const compressedBytes = take(plain.compressedBytes);
  return { bytes, compressedBytes, headerOffset: take(plain.headerOffset) };
}

export function readExtra(extra: Uint8Array, offset: number): Map<number, Uint8Array> {
  const fields = new Map<number, Uint8Array>();
  let at = 0;
  // Some writers pad the field with up to three zero bytes.
  while (extra.length - at >= 4) {
    const view = viewOf(extra);
    const [id, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    if (extra.length - at - 4 < length) throw malformed('an extra field is cut', offset);
    if (fields.has(id)) throw ambiguous('an extra field twice', offset);
    fields.set(id, extra.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return fields;
}
