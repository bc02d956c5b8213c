import { RefusedError } from '../errors.ts';

/** Reads bytes of the file, refusing what lies outside of it. */
export type ReadBlock = (offset: number, length: number) => Promise<Buffer>;

const MAX_NODES = 20_000;
const MAX_RECORDS = 500_000;
/** Records of a v2 B-tree that index links or attributes: where the heap's id stands in them. */
const ID_AT: ReadonlyMap<number, number> = new Map([
  [5, 4],
  [6, 8],
  [8, 0],
  [9, 0],
]);
const NODE_OVERHEAD = 10;

const malformed = (text: string, offset?: number) => new RefusedError('hdf5.malformed', text, offset);

/** Bytes that hold any number up to `limit`. */
const widthOf = (limit: number) => Math.floor(Math.log2(limit) / 8) + 1;

/**
 * The messages of dense storage: a v2 B-tree lists ids, a fractal heap holds the objects. Both ends of each object are checked against
 * its block.
 * @see https://docs.hdfgroup.org/hdf5/v1_14/_f_m_t3.html III.A.2 and III.G
 */
export async function readDense(read: ReadBlock, heapAddress: number, treeAddress: number): Promise<Buffer[]> {
  const heap = await openHeap(read, heapAddress);
  const ids = await readIds(read, treeAddress, heap.idBytes);
  const objects: Buffer[] = [];
  for (const id of ids) objects.push(await readObject(read, heap, id));
  return objects;
}

interface Heap {
  readonly idBytes: number;
  readonly width: number;
  readonly startBytes: number;
  readonly maxDirectBytes: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly root: number;
  /** 0 where the root is a direct block. */
  readonly rows: number;
}

async function openHeap(read: ReadBlock, address: number): Promise<Heap> {
  const head = await read(address, 146);
  if (head.toString('latin1', 0, 4) !== 'FRHP' || head[4] !== 0) throw malformed('no fractal heap', address);
  if (head.readUInt16LE(7) !== 0) throw new RefusedError('hdf5.unsupported', 'a heap with filters', address);
  const maxManaged = head.readUInt32LE(10);
  const maxDirectBytes = Number(head.readBigUInt64LE(120));
  const startBytes = Number(head.readBigUInt64LE(112));
  const width = head.readUInt16LE(110);
  const powers = [startBytes, maxDirectBytes, width].every(
    (number) => number > 0 && Number.isInteger(Math.log2(number)),
  );
  if (!powers || maxDirectBytes < startBytes || maxManaged === 0) throw malformed('sizes of heap blocks', address);
  return {
    idBytes: head.readUInt16LE(5),
    width,
    startBytes,
    maxDirectBytes,
    offsetBytes: Math.ceil(head.readUInt16LE(128) / 8),
    lengthBytes: Math.min(Math.ceil(Math.log2(maxDirectBytes) / 8), widthOf(maxManaged)),
    root: Number(head.readBigUInt64LE(132)),
    rows: head.readUInt16LE(140),
  };
}

async function readIds(read: ReadBlock, address: number, idBytes: number): Promise<Buffer[]> {
  const head = await read(address, 38);
  const at = ID_AT.get(head[5] ?? 0);
  if (head.toString('latin1', 0, 4) !== 'BTHD' || at === undefined) throw malformed('no index of names', address);
  const nodeBytes = head.readUInt32LE(6);
  const recordBytes = head.readUInt16LE(10);
  const depth = head.readUInt16LE(12);
  if (recordBytes < at + idBytes || nodeBytes < NODE_OVERHEAD + recordBytes || depth > 16) {
    throw malformed('sizes of an index', address);
  }
  const pointers = pointerSizes(nodeBytes, recordBytes, depth);
  const ids: Buffer[] = [];
  const waiting = [{ address: Number(head.readBigUInt64LE(16)), records: head.readUInt16LE(24), depth }];
  for (let seen = 0; waiting.length > 0; seen += 1) {
    const node = waiting.pop();
    if (node === undefined || node.records === 0) continue;
    if (seen > MAX_NODES || ids.length > MAX_RECORDS) throw malformed('an index without end', address);
    const block = await read(node.address, nodeBytes);
    const leaf = node.depth === 0;
    if (block.toString('latin1', 0, 4) !== (leaf ? 'BTLF' : 'BTIN'))
      throw malformed('no node of an index', node.address);
    const { bytes, countBytes } = pointers[node.depth] ?? { bytes: 0, countBytes: 0 };
    const children = 6 + node.records * recordBytes;
    if (children + (leaf ? 0 : (node.records + 1) * bytes) > block.length) throw malformed('a full node', node.address);
    for (let index = 0; index < node.records; index += 1) {
      const start = 6 + index * recordBytes + at;
      ids.push(block.subarray(start, start + idBytes));
    }
    const childCount = leaf ? 0 : node.records + 1;
    for (let index = 0; index < childCount; index += 1) {
      const start = children + index * bytes;
      const records = block.readUIntLE(start + 8, countBytes);
      waiting.push({ address: Number(block.readBigUInt64LE(start)), records, depth: node.depth - 1 });
    }
  }
  return ids;
}

/** By depth of the node that holds them: bytes of a pointer to a child, and of the count of records in it. */
function pointerSizes(nodeBytes: number, recordBytes: number, depth: number) {
  const leafRecords = Math.floor((nodeBytes - NODE_OVERHEAD) / recordBytes);
  const countBytes = widthOf(leafRecords);
  const sizes = [{ bytes: 0, countBytes }];
  let below = leafRecords;
  for (let level = 1; level <= depth; level += 1) {
    const bytes = 8 + countBytes + (level > 1 ? widthOf(below) : 0);
    const records = Math.floor((nodeBytes - NODE_OVERHEAD - bytes) / (recordBytes + bytes));
    below = (records + 1) * below + records;
    sizes.push({ bytes, countBytes });
  }
  return sizes;
}

async function readObject(read: ReadBlock, heap: Heap, id: Buffer): Promise<Buffer> {
  const kind = (id[0] ?? 0) >> 4;
  if (kind === 2) return id.subarray(1, 2 + ((id[0] ?? 0) & 0x0f));
  if (kind !== 0) throw new RefusedError('hdf5.unsupported', 'a huge object in dense storage');
  const { offsetBytes, lengthBytes } = heap;
  if (offsetBytes < 1 || offsetBytes > 6 || lengthBytes < 1 || id.length < 1 + offsetBytes + lengthBytes) {
    throw malformed('an id of a heap');
  }
  const offset = id.readUIntLE(1, offsetBytes);
  const length = id.readUIntLE(1 + offsetBytes, lengthBytes);
  const block =
    heap.rows === 0
      ? { address: heap.root, within: offset, bytes: heap.startBytes }
      : await findBlock(read, heap, heap.root, heap.rows, offset);
  if (block.within + length > block.bytes) throw malformed('an object that leaves its block of the heap');
  return read(block.address + block.within, length);
}

/** The direct block of an offset: rows of a doubling table, each as wide, every row after the second twice as large. */
async function findBlock(
  read: ReadBlock,
  heap: Heap,
  address: number,
  rows: number,
  offset: number,
  depth = 0,
): Promise<{ address: number; within: number; bytes: number }> {
  const { width, startBytes, maxDirectBytes } = heap;
  if (depth > 32 || rows > 64) throw malformed('a heap without end', address);
  let before = 0;
  for (let row = 0; row < rows; row += 1) {
    const bytes = row === 0 ? startBytes : startBytes * 2 ** (row - 1);
    if (offset < before + bytes * width) {
      const column = Math.floor((offset - before) / bytes);
      const head = await read(address, 5);
      if (head.toString('latin1', 0, 4) !== 'FHIB') throw malformed('no block of a heap', address);
      const entry = await read(address + 13 + heap.offsetBytes + (row * width + column) * 8, 8);
      const child = Number(entry.readBigUInt64LE(0));
      const within = offset - before - column * bytes;
      if (bytes <= maxDirectBytes) return { address: child, within, bytes };
      const inner = Math.log2(bytes) - Math.log2(startBytes * width) + 1;
      return findBlock(read, heap, child, inner, within, depth + 1);
    }
    before += bytes * width;
  }
  throw malformed('an offset outside of its heap', address);
}
