import { formatCount } from '../../shared/formatCount.ts';
import type { TensorFact } from '../analysis/tensors.ts';
import { Cursor } from '../cursor.ts';
import { RefusedError } from '../errors.ts';
import type { RangedReader } from '../rangedReader.ts';
import { GGML_TYPES } from './ggmlTypes.ts';
import { readGgufMetadata, readString } from './ggufMetadata.ts';

const MAX_TENSORS = 500_000;
/** ggml's GGML_MAX_DIMS and GGML_MAX_NAME. */
const MAX_RANK = 4;
const MAX_NAME = 64;
/** name length, no name, rank, type, offset. */
const MIN_TENSOR_INFO = 24;

export interface GgufFile {
  readonly version: number;
  readonly tensors: readonly TensorFact[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Texts that a host would run through a template engine, by their key. */
  readonly templates: ReadonlyMap<string, string>;
}

export function looksLikeGguf(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x47 && head[1] === 0x47 && head[2] === 0x55 && head[3] === 0x46;
}

/**
 * Reads the header of a GGUF file, version 2 or 3, in either byte order: counts, metadata, tensor infos, and checks that
 * the tensors lie one after the other as ggml demands. Throws a `RefusedError`. Never touches the tensor data.
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
export async function readGguf(reader: RangedReader): Promise<GgufFile> {
  const cursor = new Cursor(reader, 'gguf.header');
  await cursor.ensure(24);
  cursor.skip(4);
  const version = readVersion(cursor);
  const tensorCount = cursor.u64();
  const entryCount = cursor.u64();
  if (tensorCount > Math.min(MAX_TENSORS, cursor.left / MIN_TENSOR_INFO)) {
    throw new RefusedError('gguf.header', `${tensorCount} tensors do not fit into the file`, 8);
  }
  const { metadata, templates, alignment } = await readGgufMetadata(cursor, entryCount);
  const infos = await readTensorInfos(cursor, tensorCount);
  checkLayout(infos, alignment, padTo(cursor.offset, alignment), reader.size);
  return {
    version,
    metadata,
    templates,
    tensors: infos.map(({ name, dtype, shape, bytes }) => ({ name, dtype, shape, bytes })),
  };
}

function readVersion(cursor: Cursor): number {
  const raw = cursor.u32();
  // The other byte order shows itself by a version whose low half is zero.
  cursor.littleEndian = (raw & 0xffff) !== 0;
  const version = cursor.littleEndian ? raw : ((raw >>> 24) | ((raw >>> 8) & 0xff00)) >>> 0;
  if (version !== 2 && version !== 3) throw new RefusedError('gguf.version', `GGUF version ${version}`, 4);
  return version;
}

interface Placed extends TensorFact {
  readonly begin: number;
}

async function readTensorInfos(cursor: Cursor, count: number): Promise<Placed[]> {
  const infos: Placed[] = [];
  const names = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const info = await readTensorInfo(cursor);
    if (names.has(info.name))
      throw new RefusedError('gguf.tensor', `two tensors are named ${info.name}`, cursor.offset);
    names.add(info.name);
    infos.push(info);
  }
  return infos;
}

async function readTensorInfo(cursor: Cursor): Promise<Placed> {
  const at = cursor.offset;
  const name = await readString(cursor, MAX_NAME, 'gguf.tensor');
  const refuse = (text: string) => new RefusedError('gguf.tensor', `tensor ${name}: ${text}`, at);
  await cursor.ensure(4);
  const rank = cursor.u32();
  if (rank > MAX_RANK) throw refuse(`${rank} dimensions`);
  await cursor.ensure(rank * 8 + 12);
  const dims = Array.from({ length: rank }, () => cursor.u64());
  const typeNumber = cursor.u32();
  const begin = cursor.u64();
  const type = GGML_TYPES.get(typeNumber);
  if (type === undefined) throw refuse(`unknown ggml type ${typeNumber}`);
  if ((dims[0] ?? 1) % type.blockElements !== 0) throw refuse(`rows of ${dims[0]} do not fill ${type.name} blocks`);
  const elements = dims.reduce((product, size) => product * BigInt(size), 1n);
  const bytes = (elements / BigInt(type.blockElements)) * BigInt(type.blockBytes);
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse('its size overflows');
  return { name, dtype: type.name, shape: dims.reverse(), bytes: Number(bytes), begin };
}

function checkLayout(infos: readonly Placed[], alignment: number, dataStart: number, size: number): void {
  let next = 0;
  let end = 0;
  for (const { name, begin, bytes } of infos) {
    if (begin !== next) {
      throw new RefusedError('gguf.layout', `tensor ${name} begins at ${begin}, not at ${next}`, dataStart + begin);
    }
    end = begin + bytes;
    next = padTo(end, alignment);
  }
  // A file without tensors may leave out the padding before the data, and every file the padding after it.
  const last = dataStart + end;
  if (infos.length > 0 && last > size) {
    throw new RefusedError('gguf.layout', `the tensors end at ${last}, the file at ${size}`, size);
  }
  if (size > dataStart + next) {
    throw new RefusedError(
      'gguf.layout',
      `${formatCount(size - dataStart - next, 'byte follows', 'bytes follow')} the last tensor`,
      dataStart + next,
    );
  }
}

function padTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
