import { crc32 } from 'node:zlib';
import { formatCount } from '../../shared/formatCount.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { createBufferReader, createSliceReader, type RangedReader } from '../rangedReader.ts';
import { BOMB_RATIO, inflate } from './inflate.ts';
import { checkMemberPath } from './memberPath.ts';
import { type DirectoryEntry, readDirectory, readExtra, readU64, viewOf, type ZipEntry } from './zipDirectory.ts';

const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
/** Names of records are short, and torch aligns data to 64 bytes. */
const HEAD = 512;
const BATCH = 32;
const DESCRIPTOR = 0x08074b50;
const FULL32 = 0xffffffff;
/** Deflate level (1, 2), data descriptor (3), UTF-8 names (11): what writers of models set. */
const HARMLESS_FLAGS = 0x080e;
const ENCRYPTED = 0x2041;
const DESCRIPTOR_FLAG = 0x0008;
const SYMLINK = 0xa000;
const FILE_TYPE = 0xf000;
/** What one deflated member may become in memory. */
const MAX_INFLATED = 96 * 1024 * 1024;
/** Of all deflated members together, where they shrank as only what repeats itself does. */
const MOST_UNFOLDED = 4 * 1024 ** 3;
/** Members up to this size are checked against their CRC. */
const MAX_CHECKED = 16 * 1024 * 1024;

export function looksLikeZip(head: Uint8Array): boolean {
  const [p, k, a, b] = head;
  return p === 0x50 && k === 0x4b && ((a === 3 && b === 4) || (a === 5 && b === 6));
}

/**
 * Lists a zip that all readers see alike, or refuses it: local headers agree with the directory, entries lie one after
 * the other from the first byte to the directory without gap or overlap, no name twice, none that leaves the archive.
 */
export async function readZip(reader: RangedReader, inspection: Inspection): Promise<ZipEntry[]> {
  const { entries, offset } = await readDirectory(reader);
  const beyond = entries.find(({ headerOffset }) => headerOffset >= offset);
  if (beyond !== undefined)
    throw new RefusedError('zip.mismatch', 'an entry behind its directory', beyond.headerOffset);
  const ordered = [...entries].sort((a, b) => a.headerOffset - b.headerOffset);
  const result: ZipEntry[] = [];
  const names = new Set<string>();
  let next = 0;
  let heads: Uint8Array[] = [];
  for (const [index, entry] of ordered.entries()) {
    if (index % BATCH === 0) {
      inspection.checkTime();
      heads = await readHeads(reader, ordered.slice(index, index + BATCH), offset);
    }
    if (entry.headerOffset !== next) {
      const what = entry.headerOffset < next ? 'overlaps the one before it' : 'has hidden bytes before it';
      throw new RefusedError('zip.hidden', `an entry ${what}`, entry.headerOffset);
    }
    const limit = Math.max(next, ordered[index + 1]?.headerOffset ?? offset);
    const { checked, end } = await readLocal(reader, entry, limit, heads[index % BATCH] ?? new Uint8Array(0));
    const folded = checked.name.normalize('NFKC').toLowerCase();
    if (names.has(folded))
      throw new RefusedError('zip.duplicate', `two entries named ${checked.name}`, entry.headerOffset);
    names.add(folded);
    checkMemberPath(checked.name, inspection);
    result.push(checked);
    next = end;
  }
  if (next !== offset)
    throw new RefusedError('zip.hidden', `${formatCount(offset - next, 'byte')} that no entry owns`, next);
  checkRatio(result);
  return result;
}

/** Loaders hold all members at once: many small ones are as much of a bomb as one that is too large, and honest zeros take no gigabytes. */
function checkRatio(entries: readonly ZipEntry[]): void {
  const deflated = entries.filter(({ method }) => method === 'deflated');
  const bytes = deflated.reduce((sum, entry) => sum + entry.bytes, 0);
  const compressed = deflated.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0);
  if (bytes > MOST_UNFOLDED && bytes > compressed * BOMB_RATIO)
    throw new RefusedError('archive.bomb', `${formatCount(compressed, 'byte')} inflate to ${bytes}`);
}

/** Local headers with a little of their data, read side by side: an archive has one per storage. */
function readHeads(reader: RangedReader, entries: readonly DirectoryEntry[], end: number): Promise<Uint8Array[]> {
  return Promise.all(
    entries.map(({ headerOffset }) => reader.read(headerOffset, Math.max(0, Math.min(HEAD, end - headerOffset)))),
  );
}

async function readLocal(
  reader: RangedReader,
  entry: DirectoryEntry,
  limit: number,
  head: Uint8Array,
): Promise<{ checked: ZipEntry; end: number }> {
  const at = entry.headerOffset;
  const refuse = (text: string) => new RefusedError('zip.mismatch', text, at);
  if (limit - at < LOCAL_BYTES) throw refuse('no room for a local header');
  const header = viewOf(head);
  if (header.getUint32(0, true) !== LOCAL) throw refuse('no local header where the directory points');
  const [nameBytes, extraBytes] = [header.getUint16(26, true), header.getUint16(28, true)];
  const dataOffset = at + LOCAL_BYTES + nameBytes + extraBytes;
  if (dataOffset > limit) throw refuse('a local header runs into the next entry');
  const variable =
    dataOffset - at <= head.length
      ? head.subarray(LOCAL_BYTES, dataOffset - at)
      : await reader.read(at + LOCAL_BYTES, nameBytes + extraBytes);
  if (!Buffer.from(entry.rawName).equals(variable.subarray(0, nameBytes))) throw refuse('two names for one entry');
  if (header.getUint16(6, true) !== entry.flags) throw refuse('two sets of flags for one entry');
  if (header.getUint16(8, true) !== entry.methodNumber) throw refuse('two methods for one entry');
  checkFlags(entry);
  const hasDescriptor = (entry.flags & DESCRIPTOR_FLAG) !== 0;
  const local = localSizes(header, readExtra(variable.subarray(nameBytes), at));
  const zeroed = hasDescriptor && local.crc === 0 && local.bytes === 0 && local.compressedBytes === 0;
  const same =
    local.crc === entry.crc && local.bytes === entry.bytes && local.compressedBytes === entry.compressedBytes;
  if (!same && !zeroed) throw refuse('two sizes or checksums for one entry');
  const dataEnd = dataOffset + entry.compressedBytes;
  if (dataEnd > limit) throw refuse('the data run into the next entry');
  const end = hasDescriptor ? dataEnd + (await descriptorBytes(reader, entry, dataEnd, limit)) : dataEnd;
  const data = head.subarray(Math.min(head.length, dataOffset - at), Math.min(head.length, dataEnd - at));
  return { checked: toEntry(entry, dataOffset, data), end };
}

function checkFlags({ flags, unixMode, headerOffset, methodNumber }: DirectoryEntry): void {
  if ((flags & ENCRYPTED) !== 0) throw new RefusedError('zip.encrypted', 'an encrypted entry', headerOffset);
  if ((flags & ~HARMLESS_FLAGS) !== 0)
    throw new RefusedError('zip.mismatch', `flag bits 0x${flags.toString(16)}`, headerOffset);
  if ((unixMode & FILE_TYPE) === SYMLINK) throw new RefusedError('archive.link', 'a symbolic link', headerOffset);
  if (methodNumber !== 0 && methodNumber !== 8) {
    throw new RefusedError('file.unsupported', `compression method ${methodNumber}`, headerOffset);
  }
}

function localSizes(header: DataView, extra: Map<number, Uint8Array>) {
  const zip64 = extra.get(1);
  const take = (at: number, position: number) => {
    const value = header.getUint32(at, true);
    if (value !== FULL32 || zip64 === undefined || zip64.length < position + 8) return value;
    return readU64(viewOf(zip64), position);
  };
  return { crc: header.getUint32(14, true), bytes: take(22, 0), compressedBytes: take(18, 8) };
}

/** A descriptor has an optional signature, the checksum, and both sizes in four or eight bytes. */
async function descriptorBytes(
  reader: RangedReader,
  entry: DirectoryEntry,
  at: number,
  limit: number,
): Promise<number> {
  const length = limit - at;
  if (length !== 12 && length !== 16 && length !== 20 && length !== 24) {
    throw new RefusedError('zip.hidden', `${formatCount(length, 'byte')} where a data descriptor belongs`, at);
  }
  const view = viewOf(await reader.read(at, length));
  const signed = length === 16 || length === 24;
  const start = signed ? 4 : 0;
  const wide = length >= 20;
  const sizes = wide
    ? [readU64(view, start + 4), readU64(view, start + 12)]
    : [view.getUint32(start + 4, true), view.getUint32(start + 8, true)];
  const agrees =
    (!signed || view.getUint32(0, true) === DESCRIPTOR) &&
    view.getUint32(start, true) === entry.crc &&
    sizes[0] === entry.compressedBytes &&
    sizes[1] === entry.bytes;
  if (!agrees) throw new RefusedError('zip.mismatch', 'a data descriptor contradicts the directory', at);
  return length;
}

function toEntry(entry: DirectoryEntry, dataOffset: number, head: Uint8Array): ZipEntry {
  let name: string;
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(entry.rawName);
  } catch {
    throw new RefusedError('zip.malformed', 'a name that is not UTF-8', entry.headerOffset);
  }
  if (entry.methodNumber === 0 && entry.bytes !== entry.compressedBytes) {
    throw new RefusedError('zip.mismatch', 'a stored entry of two sizes', entry.headerOffset);
  }
  return {
    name,
    method: entry.methodNumber === 0 ? 'stored' : 'deflated',
    crc: entry.crc,
    compressedBytes: entry.compressedBytes,
    bytes: entry.bytes,
    headerOffset: entry.headerOffset,
    dataOffset,
    head,
    isDirectory: name.endsWith('/') && entry.bytes === 0,
  };
}

/**
 * The content of one member. A stored one is a window of the archive; a deflated one is inflated within a bound. Small
 * ones are checked against their CRC, since readers disagree about what a wrong one means.
 */
export async function openMember(reader: RangedReader, entry: ZipEntry): Promise<RangedReader> {
  if (entry.method === 'stored') {
    const slice = createSliceReader(reader, entry.dataOffset, entry.bytes);
    if (entry.bytes > MAX_CHECKED) return slice;
    const bytes = await slice.read(0, entry.bytes);
    checkCrc(bytes, entry);
    return createBufferReader(bytes);
  }
  // Deflate reaches 1032:1 at most: a larger claim is a lie, and a bomb is caught by the bound on the output.
  if (entry.bytes > MAX_INFLATED || entry.compressedBytes > MAX_INFLATED) {
    throw new RefusedError(
      'file.too-large',
      `${entry.name} inflates to ${formatCount(entry.bytes, 'byte')}`,
      entry.headerOffset,
    );
  }
  const bytes = inflateMember(await reader.read(entry.dataOffset, entry.compressedBytes), entry);
  checkCrc(bytes, entry);
  return createBufferReader(bytes);
}

function inflateMember(compressed: Uint8Array, entry: ZipEntry): Uint8Array {
  const inflated = inflate('raw', compressed, entry.bytes);
  const exact = inflated.outcome === 'inflated' && inflated.consumed === compressed.length;
  if (exact && inflated.bytes.length === entry.bytes) return inflated.bytes;
  throw new RefusedError(
    'zip.mismatch',
    `${entry.name} does not inflate to ${formatCount(entry.bytes, 'byte')}`,
    entry.headerOffset,
  );
}

function checkCrc(bytes: Uint8Array, entry: ZipEntry): void {
  if (crc32(bytes) !== entry.crc)
    throw new RefusedError('zip.crc', `${entry.name} has another checksum`, entry.headerOffset);
}
