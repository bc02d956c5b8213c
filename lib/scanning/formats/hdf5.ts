import { formatCount } from '../../shared/formatCount.ts';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { explorePickle } from '../pickle/explore.ts';
import { beginsLikePickle } from '../pickle/opcodes.ts';
import { createBufferReader, createPagedReader, type RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { readAttribute, readDatatype, readExtents } from './hdf5Messages.ts';
import { Hdf5Objects, type Message } from './hdf5Objects.ts';
import { judgeKerasText } from './kerasConfig.ts';

const SIGNATURE = '894844460d0a1a0a';
const UNDEFINED = 2 ** 64;
const MAX_OBJECTS = 200_000;
/** Beyond both a dataset of any filter is larger than what the file can hold: its loader only allocates (CVE-2026-0897). */
const MAX_UNBACKED = 1024 ** 3;
const MAX_DEFLATE = 1032;

const DATASPACE = 0x01;
const DATATYPE = 0x03;
const EXTERNAL_FILES = 0x07;
const LAYOUT = 0x08;
const ATTRIBUTE = 0x0c;

export function looksLikeHdf5(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 8)).toString('hex') === SIGNATURE;
}

/**
 * Walks every object of an HDF5 file: no data and no link may lie outside of it, no attribute hides a pickle, and the
 * attributes in which Keras keeps a model's architecture name only layers of Keras. Data are not read.
 * @see https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html
 */
export async function judgeHdf5(source: RangedReader, inspection: Inspection): Promise<Format> {
  // Objects are small and many: a request for each would take longer than reading what lies between them.
  const reader = createPagedReader(source);
  const root = await readRoot(reader);
  const objects = new Hdf5Objects(reader);
  const waiting = [{ path: '', address: root }];
  const seen = new Set<number>();
  let isKeras = false;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    inspection.checkTime();
    if (seen.has(next.address)) continue;
    seen.add(next.address);
    if (seen.size > MAX_OBJECTS) throw new RefusedError('file.too-large', `more than ${MAX_OBJECTS} objects`);
    const { messages, links } = await objects.read(next.address);
    const keras = await judgeObject(reader, next.path, messages, inspection);
    if (next.path === '') isKeras ||= keras;
    for (const link of links) {
      const path = `${next.path}/${link.name}`;
      if (link.kind === 'hard') waiting.push({ path, address: link.address });
      if (link.kind === 'outside') inspection.report('hdf5.outside-file', `${path} is a link into another file`);
    }
  }
  return isKeras ? 'keras' : 'hdf5';
}

/** Checks the superblock and answers where the root group's header lies. */
async function readRoot(reader: RangedReader): Promise<number> {
  const block = Buffer.from(await reader.read(0, Math.min(reader.size, 112)));
  const version = block[8] ?? 0;
  const old = version < 2;
  const minimum = version === 1 ? 100 : old ? 96 : 48;
  if (version > 3 || block.length < minimum)
    throw new RefusedError('hdf5.malformed', `superblock version ${version}`, 8);
  const [offsetBytes, lengthBytes] = old ? [block[13], block[14]] : [block[9], block[10]];
  if (offsetBytes !== 8 || lengthBytes !== 8)
    throw new RefusedError('hdf5.unsupported', 'addresses of another width', 9);
  const base = old ? (version === 1 ? 28 : 24) : 12;
  const end = Number(block.readBigUInt64LE(old ? base + 16 : base + 16));
  if (Number(block.readBigUInt64LE(base)) !== 0) throw new RefusedError('hdf5.unsupported', 'a base address', base);
  if (end > reader.size)
    throw new RefusedError('hdf5.malformed', `the file ends at ${reader.size}, not at ${end}`, base);
  if (end < reader.size)
    throw new RefusedError(
      'archive.trailing',
      `${formatCount(reader.size - end, 'byte follows', 'bytes follow')} the end`,
      end,
    );
  const root = Number(block.readBigUInt64LE(old ? base + 40 : base + 24));
  if (root >= UNDEFINED / 2) throw new RefusedError('hdf5.malformed', 'no root group', base);
  return root;
}

/** Answers whether the object carries a Keras model. */
async function judgeObject(
  reader: RangedReader,
  path: string,
  messages: readonly Message[],
  inspection: Inspection,
): Promise<boolean> {
  let isKeras = false;
  for (const { type, data } of messages) {
    if (type === EXTERNAL_FILES) inspection.report('hdf5.outside-file', `${path} keeps its data in another file`);
    if (type === LAYOUT && isVirtual(data)) {
      inspection.report('hdf5.outside-file', `${path} is a virtual dataset, assembled from other files`);
    }
    if (type === ATTRIBUTE) isKeras = (await judgeAttribute(reader, path, data, inspection)) || isKeras;
  }
  addTensor(path, messages, reader.size, inspection);
  return isKeras;
}

/** Layout version 4 and later knows class 3: virtual. */
function isVirtual(layout: Buffer): boolean {
  return (layout[0] ?? 0) >= 4 && layout[1] === 3;
}

async function judgeAttribute(
  reader: RangedReader,
  path: string,
  data: Buffer,
  inspection: Inspection,
): Promise<boolean> {
  const { name, value } = await readAttribute(reader, data);
  const isConfig = name === 'model_config' || name === 'training_config';
  if (value === undefined) {
    if (isConfig) throw new RefusedError('hdf5.unsupported', `${name} of ${path}/ in a form that is not read`);
    return false;
  }
  if (name === 'PSEUDOATOM' && value.toString('latin1').startsWith('object'))
    inspection.report('pickle.payload', `${path}/ holds pickles, which PyTables loads with its rows`);
  // PyTables loads every text that ends like a pickle.
  if (beginsLikePickle(value) || value.toString('latin1').replace(/\0+$/, '').endsWith('.')) {
    const { findings, harmful } = await explorePickle(createBufferReader(value));
    if (harmful)
      inspection.report('pickle.nested', `attribute ${name} of ${path}/ is a pickle that ${findings[0] ?? 'calls'}`);
  }
  if (isConfig) judgeKerasText(value, inspection);
  return isConfig;
}

function addTensor(path: string, messages: readonly Message[], fileBytes: number, inspection: Inspection): void {
  const space = messages.find(({ type }) => type === DATASPACE);
  const datatype = messages.find(({ type }) => type === DATATYPE);
  if (space === undefined || datatype === undefined || !messages.some(({ type }) => type === LAYOUT)) return;
  const shape = readExtents(space.data);
  const { name, bytes } = readDatatype(datatype.data);
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements * bytes > Math.max(MAX_UNBACKED, fileBytes * MAX_DEFLATE)) {
    inspection.report(
      'archive.bomb',
      `${path} claims ${formatCount(elements * bytes, 'byte')} in a file of ${fileBytes}`,
    );
  }
  inspection.addTensor({ name: path.slice(1), dtype: name, shape, bytes: elements * bytes });
}
