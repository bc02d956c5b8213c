import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { createSliceReader, type RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { checkMemberPath } from './memberPath.ts';
import { judgePickles } from './pickleFile.ts';

const BLOCK = 512;
const MAX_MEMBERS = 100_000;
const MAX_EXTENDED = 1024 * 1024;

interface Header {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}

/**
 * Whether the first block is a tar header: its checksum is right. As lenient as Python, which adds signed bytes too and reads
 * the number as `int(text, 8)` does; what only such a reader takes for a tar is refused later.
 */
export function looksLikeTar(head: Uint8Array): boolean {
  if (head.length < BLOCK || head[0] === 0) return false;
  const spelled = cString(head.subarray(148, 156)).trim().replace(/_/g, '');
  const claimed = Number.parseInt(spelled.replace(/^\+?(?:0o)?/i, ''), 8);
  if (Number.isNaN(claimed)) return false;
  const block = head.subarray(0, BLOCK);
  const negatives = block.filter((byte, at) => byte >= 0x80 && (at < 148 || at >= 156)).length;
  return claimed === checksum(block) || claimed === checksum(block) - 256 * negatives;
}

/** Sum of all bytes, the checksum's own counted as spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function octal(field: Uint8Array): number | undefined {
  const text = Buffer.from(field).toString('latin1').split('\0', 1)[0]?.trim() ?? '';
  return /^[0-7]{1,12}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}

function cString(field: Uint8Array): string {
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString('utf8');
}

/**
 * Judges every member of a tar. Legacy torch files are tars of the members `storages`, `tensors` and `pickle`, of which
 * loaders unpickle each.
 */
export async function judgeTar(reader: RangedReader, inspection: Inspection): Promise<Format> {
  let at = 0;
  let name: string | undefined;
  for (let count = 0; ; count += 1) {
    inspection.checkTime();
    if (count > MAX_MEMBERS) throw new RefusedError('file.too-large', `more than ${MAX_MEMBERS} members`, at);
    const header = await readHeader(reader, at);
    if (header === undefined) break;
    const start = at + BLOCK;
    if (Math.ceil(header.size / BLOCK) * BLOCK > reader.size - start)
      throw new RefusedError('tar.malformed', 'a member is cut', at);
    // Python does not skip the data of a folder: its next header would be inside of them.
    if (header.size > 0 && header.type === '5') throw new RefusedError('tar.malformed', 'a folder with data', at);
    at = start + Math.ceil(header.size / BLOCK) * BLOCK;
    if (header.type === 'g') await checkGlobalHeader(reader, start, header);
    if (header.type === 'x' || header.type === 'L') {
      name = await readLongName(reader, start, header);
    } else {
      await judgeMember(
        createSliceReader(reader, start, header.size),
        { ...header, name: name ?? header.name },
        inspection,
      );
      name = undefined;
    }
  }
  await requireZeros(reader, at);
  return 'tar';
}

async function readHeader(reader: RangedReader, at: number): Promise<Header | undefined> {
  if (reader.size - at < BLOCK) return undefined;
  const block = await reader.read(at, BLOCK);
  if (block.every((byte) => byte === 0)) return undefined;
  if (octal(block.subarray(148, 156)) !== checksum(block)) throw new RefusedError('tar.malformed', 'a bad header', at);
  const size = octal(block.subarray(124, 136));
  if (size === undefined) throw new RefusedError('tar.malformed', 'a size that is no octal number', at);
  const isUstar = cString(block.subarray(257, 263)).startsWith('ustar');
  const prefix = isUstar ? cString(block.subarray(345, 500)) : '';
  const name = cString(block.subarray(0, 100));
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: type === '\0' ? (name.endsWith('/') ? '5' : '0') : type,
  };
}

/** The next member's name from a pax record or a GNU long name. A pax size would move the next header: refused. */
async function readLongName(reader: RangedReader, at: number, { size, type }: Header): Promise<string | undefined> {
  if (size > MAX_EXTENDED) throw new RefusedError('tar.malformed', 'an extended header of megabytes', at);
  const text = Buffer.from(await reader.read(at, size)).toString('utf8');
  if (type === 'L') return text.replace(/\0+$/, '');
  if (/[0-9] (?:size=|GNU\.sparse)/.test(text))
    throw new RefusedError('tar.malformed', 'a second size for a member', at);
  if ([...text.matchAll(/[0-9] path=/g)].length > 1)
    throw new RefusedError('tar.malformed', 'two names for a member', at);
  return /^[0-9]+ path=(.*)$/m.exec(text)?.[1];
}

/** Records for all members: a comment, but neither names nor sizes. */
async function checkGlobalHeader(reader: RangedReader, at: number, { size }: Header): Promise<void> {
  if (size > MAX_EXTENDED) throw new RefusedError('tar.malformed', 'an extended header of megabytes', at);
  const text = Buffer.from(await reader.read(at, size)).toString('utf8');
  if (/[0-9] (?:path|linkpath|size|GNU\.sparse)/.test(text))
    throw new RefusedError('tar.malformed', 'a name or a size for all members', at);
}

async function judgeMember(reader: RangedReader, { name, type }: Header, inspection: Inspection): Promise<void> {
  checkMemberPath(name.replace(/^\.\//, './_').replace(/\/$/, ''), inspection);
  switch (type) {
    case '0':
    case '7':
      if (/^(?:\.\/)?(?:storages|tensors|pickle)$/.test(name)) await judgeTorchMember(name, reader, inspection);
      else if (reader.size > 0) await inspection.inspectInside(name, reader);
      return;
    case '5':
    case 'g':
      return;
    case '1':
    case '2':
      inspection.report('archive.link', `${name} is a link`);
      return;
    default:
      inspection.report(
        'archive.link',
        `${name} is of type ${JSON.stringify(type)}: a device, a sparse file or unknown`,
      );
  }
}

/**
 * The members `storages` and `tensors` are pickles with raw numbers between them: a count, then for each of them a pickle
 * and data. The pickles at the front are judged; what raw bytes lie behind them is not understood, so it is never clean.
 */
async function judgeTorchMember(name: string, reader: RangedReader, inspection: Inspection): Promise<void> {
  const child = inspection.child(name);
  await child.guard(() => judgePickles(reader, child, { persistentIds: 'torch-tar' }), 'pickle');
}

async function requireZeros(reader: RangedReader, from: number): Promise<void> {
  const rest = Math.min(reader.size - from, 1024 * 1024);
  const bytes = await reader.read(from, rest);
  if (reader.size - from > rest || bytes.some((byte) => byte !== 0)) {
    throw new RefusedError('archive.trailing', 'bytes follow the end of the archive', from);
  }
}
