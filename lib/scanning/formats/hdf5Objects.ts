import { formatCount } from '../../shared/formatCount.ts';
import { RefusedError } from '../errors.ts';
import type { RangedReader } from '../rangedReader.ts';
import { readDense } from './hdf5Dense.ts';

export interface Message {
  readonly type: number;
  readonly data: Buffer;
}

export type Link =
  | { readonly kind: 'hard'; readonly name: string; readonly address: number }
  | { readonly kind: 'soft' | 'outside'; readonly name: string };

const MAX_BLOCK = 16 * 1024 * 1024;
const MAX_BLOCKS = 10_000;
const NO_ADDRESS = 2n ** 64n - 1n;

const LINK_INFO = 0x02;
const LINK = 0x06;
const CONTINUATION = 0x10;
const SYMBOL_TABLE = 0x11;
const ATTRIBUTE = 0x0c;
const ATTRIBUTE_INFO = 0x15;
const SHARED_FLAG = 0x02;

const malformed = (text: string, offset?: number) => new RefusedError('hdf5.malformed', text, offset);

/** Reads object headers of both versions with their continuation blocks, and the links of groups. */
export class Hdf5Objects {
  readonly #reader: RangedReader;

  constructor(reader: RangedReader) {
    this.#reader = reader;
  }

  async read(address: number): Promise<{ messages: Message[]; links: Link[] }> {
    const head = await this.#block(address, Math.min(64, this.#reader.size - address));
    const messages =
      head.subarray(0, 4).toString('latin1') === 'OHDR'
        ? await this.#newHeader(address, head)
        : await this.#oldHeader(address, head);
    const links: Link[] = [];
    const more: Message[] = [];
    for (const { type, data } of messages) {
      if (type === SYMBOL_TABLE) for (const link of await this.#symbolTable(data)) links.push(link);
      if (type === LINK) links.push(readLink(data));
      if (type === LINK_INFO) for (const link of await this.#dense(data, 8)) links.push(readLink(link));
      if (type === ATTRIBUTE_INFO) {
        for (const attribute of await this.#dense(data, 2)) more.push({ type: ATTRIBUTE, data: attribute });
      }
    }
    return { messages: [...messages, ...more], links };
  }

  async #block(offset: number, length: number): Promise<Buffer> {
    if (!(length >= 0) || length > MAX_BLOCK || offset + length > this.#reader.size) {
      throw malformed(`a block of ${formatCount(length, 'byte')} lies outside of the file`, offset);
    }
    const bytes = await this.#reader.read(offset, length);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Many links or attributes of one object move to a heap with an index; `orderBytes` is the width of the creation index, where it is kept. */
  #dense(info: Buffer, orderBytes: number): Promise<Buffer[]> {
    const at = 2 + (((info[1] ?? 0) & 1) === 0 ? 0 : orderBytes);
    if (info.length < at + 16 || info.readBigUInt64LE(at) === NO_ADDRESS) return Promise.resolve([]);
    const read = (offset: number, length: number) => this.#block(offset, length);
    return readDense(read, toNumber(info, at), toNumber(info, at + 8));
  }

  async #oldHeader(address: number, head: Buffer): Promise<Message[]> {
    if (head.length < 16 || head[0] !== 1) throw malformed('no object header', address);
    const blocks = [{ offset: address + 16, length: head.readUInt32LE(8) }];
    return this.#messages(blocks, (block) => readOldMessages(block, address));
  }

  async #newHeader(address: number, head: Buffer): Promise<Message[]> {
    const flags = head[5] ?? 0;
    if (head[4] !== 2) throw malformed('an object header of an unknown version', address);
    const at = 6 + ((flags & 0x20) === 0 ? 0 : 16) + ((flags & 0x10) === 0 ? 0 : 4);
    const width = 1 << (flags & 3);
    const length = width === 8 ? Number(head.readBigUInt64LE(at)) : head.readUIntLE(at, width);
    const tracked = (flags & 4) !== 0;
    // The first block has a checksum behind it, further ones a signature before and a checksum behind their messages.
    const blocks = [{ offset: address + at + width, length }];
    return this.#messages(blocks, (block, first) =>
      readNewMessages(first ? block : block.subarray(4, Math.max(4, block.length - 4)), tracked, address),
    );
  }

  async #messages(
    blocks: { offset: number; length: number }[],
    parse: (block: Buffer, first: boolean) => Message[],
  ): Promise<Message[]> {
    const messages: Message[] = [];
    for (let index = 0; index < blocks.length; index += 1) {
      if (index > MAX_BLOCKS) throw malformed('an object header without end');
      const block = blocks[index];
      if (block === undefined) break;
      for (const message of parse(await this.#block(block.offset, block.length), index === 0)) {
        if (message.type !== CONTINUATION) messages.push(message);
        else if (message.data.length < 16) throw malformed('a continuation is cut', block.offset);
        else blocks.push({ offset: toNumber(message.data, 0), length: toNumber(message.data, 8) });
      }
    }
    return messages;
  }

  async #symbolTable(data: Buffer): Promise<Link[]> {
    if (data.length < 16) throw malformed('a symbol table is cut');
    const heap = await this.#block(toNumber(data, 8), 32);
    if (heap.subarray(0, 4).toString('latin1') !== 'HEAP') throw malformed('no local heap', toNumber(data, 8));
    const names = await this.#block(toNumber(heap, 24), toNumber(heap, 8));
    const links: Link[] = [];
    const nodes = [toNumber(data, 0)];
    const seen = new Set<number>();
    for (let at = nodes.pop(); at !== undefined; at = nodes.pop()) {
      if (seen.has(at) || seen.size > MAX_BLOCKS * 10) throw malformed('a tree of names without end', at);
      seen.add(at);
      const head = await this.#block(at, 24);
      const signature = head.subarray(0, 4).toString('latin1');
      const count = head.readUInt16LE(6);
      if (signature === 'TREE') {
        const children = await this.#block(at + 24, count * 16 + 8);
        for (let index = 0; index < count; index += 1) nodes.push(toNumber(children, 8 + index * 16));
      } else if (signature === 'SNOD') {
        for (const link of readSymbols(await this.#block(at + 8, count * 40), names)) links.push(link);
      } else throw malformed('neither a tree nor its leaf', at);
    }
    return links;
  }
}

function toNumber(data: Buffer, at: number): number {
  const value = data.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformed(`an address of ${value}`);
  return Number(value);
}

function readSymbols(entries: Buffer, names: Buffer): Link[] {
  const links: Link[] = [];
  for (let at = 0; at < entries.length; at += 40) {
    const nameAt = toNumber(entries, at);
    const end = names.indexOf(0, nameAt);
    if (nameAt >= names.length || end < 0) throw malformed('a name outside of its heap');
    const name = names.toString('utf8', nameAt, end);
    // Cache type 2 is a symbolic link inside of the file; external ones need the newer groups.
    if (entries.readUInt32LE(at + 16) === 2) links.push({ kind: 'soft', name });
    else links.push({ kind: 'hard', name, address: toNumber(entries, at + 8) });
  }
  return links;
}

function readOldMessages(block: Buffer, address: number): Message[] {
  const messages: Message[] = [];
  for (let at = 0; block.length - at >= 8; ) {
    const length = block.readUInt16LE(at + 2);
    if (block.length - at - 8 < length) throw malformed('a message is cut', address);
    messages.push(checkShared(block.readUInt16LE(at), block[at + 4] ?? 0, block.subarray(at + 8, at + 8 + length)));
    at += 8 + length;
  }
  return messages;
}

function readNewMessages(block: Buffer, tracked: boolean, address: number): Message[] {
  const messages: Message[] = [];
  const head = tracked ? 6 : 4;
  // Fewer bytes than a message header are a gap.
  for (let at = 0; block.length - at >= head; ) {
    const length = block.readUInt16LE(at + 1);
    if (block.length - at - head < length) throw malformed('a message is cut', address);
    messages.push(checkShared(block[at] ?? 0, block[at + 3] ?? 0, block.subarray(at + head, at + head + length)));
    at += head + length;
  }
  return messages;
}

/** A shared attribute or link lives elsewhere in the file, where this reader does not follow. Shared types are harmless. */
function checkShared(type: number, flags: number, data: Buffer): Message {
  if ((flags & SHARED_FLAG) !== 0 && type !== 0x03)
    throw new RefusedError('hdf5.unsupported', `a shared message of type ${type}`);
  return { type, data };
}

function readLink(data: Buffer): Link {
  const flags = data[1] ?? 0;
  let at = 2;
  const kind = (flags & 8) === 0 ? 0 : (data[at++] ?? 0);
  at += ((flags & 4) === 0 ? 0 : 8) + ((flags & 0x10) === 0 ? 0 : 1);
  const width = 1 << (flags & 3);
  if (width === 8 || data.length < at + width) throw malformed('a link is cut');
  const length = data.readUIntLE(at, width);
  at += width;
  const name = data.toString('utf8', at, at + length);
  at += length;
  if (kind === 1) return { kind: 'soft', name };
  if (kind !== 0) return { kind: 'outside', name };
  if (data.length < at + 8) throw malformed('a link is cut');
  return { kind: 'hard', name, address: toNumber(data, at) };
}
