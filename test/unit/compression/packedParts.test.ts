import { describe, expect, it } from 'vitest';
import {
  createUnpackedReader,
  packPart,
  readPackedIndex,
  unpackPart,
  writeHeader,
  writeTail,
} from '../../../lib/compression/index.ts';
import { blobDigest, partHash } from '../../../lib/shared/digest.ts';

const GEOMETRY = { partSize: 8192, blockSize: 2048 };
const BYTES = Buffer.concat([Buffer.alloc(8192), Buffer.alloc(8192, 'weights'), Buffer.alloc(5000, 7)]);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A packed file that was put together from parts, each at least `leastBytes` long but the last. */
async function fileOf(leastBytes: number) {
  const file: Uint8Array[] = [writeHeader(GEOMETRY)];
  const parts: { offset: number; hash: ReturnType<typeof partHash> }[] = [];
  const lengths: number[] = [];
  const length = () => file.reduce((sum, piece) => sum + piece.length, 0);
  for (let at = 0; at < BYTES.length; at += GEOMETRY.partSize) {
    const part = BYTES.subarray(at, at + GEOMETRY.partSize);
    const packed = await packPart(once(part), GEOMETRY.blockSize, part.length < GEOMETRY.partSize ? 0 : leastBytes);
    parts.push({ offset: length(), hash: packed.hash });
    file.push(...packed.pieces);
    lengths.push(packed.bytes);
    expect(packed.hash).toBe(partHash(part));
  }
  const hashes = parts.map(({ hash }) => hash);
  const digest = blobDigest(BYTES.length, GEOMETRY.partSize, hashes);
  file.push(writeTail({ ...GEOMETRY, size: BYTES.length, digest, blocksEnd: length(), parts }));
  return { file: Buffer.concat(file), lengths, digest };
}

function readerOf(file: Buffer) {
  let reads = 0;
  return {
    size: file.length,
    read: async (offset: number, length: number) => {
      reads += 1;
      return file.subarray(offset, offset + length);
    },
    reads: () => reads,
  };
}

describe('parts that are packed one by one', () => {
  it.each([0, 3000, 8000])('make a file that gives the bytes back, in parts of %i bytes at least', async (least) => {
    const { file, lengths, digest } = await fileOf(least);
    expect(Math.min(...lengths.slice(0, 2))).toBeGreaterThanOrEqual(least);
    const index = await readPackedIndex(readerOf(file));
    expect(index.digest).toBe(digest);
    const unpacked: Uint8Array[] = [];
    for (const part of index.parts.keys()) {
      await unpackPart(readerOf(file), index, part, async (block) => void unpacked.push(block));
    }
    expect(Buffer.compare(Buffer.concat(unpacked), BYTES)).toBe(0);
  });

  it('stay as small as they are where nobody asks for more', async () => {
    expect((await fileOf(0)).lengths[0]).toBeLessThan(300);
  });
});

describe('ranges of what was packed', () => {
  it('are those of the original, across parts, and each part is read once while reads go on', async () => {
    const { file } = await fileOf(0);
    const stored = readerOf(file);
    const reader = await createUnpackedReader(stored);
    expect(reader.size).toBe(BYTES.length);
    const before = stored.reads();
    for (const [offset, length] of [
      [0, 10],
      [8000, 400],
      [8192, 8192],
      [16_000, 5384],
      [21_384, 0],
    ] as const) {
      expect(Buffer.compare(await reader.read(offset, length), BYTES.subarray(offset, offset + length))).toBe(0);
    }
    expect(stored.reads() - before).toBe(3);
    await expect(reader.read(21_000, 385)).rejects.toThrow(RangeError);
  });

  it('are never those of a part that is damaged', async () => {
    const { file } = await fileOf(3000);
    file[100] = (file[100] ?? 0) ^ 1;
    const reader = await createUnpackedReader(readerOf(file));
    await expect(reader.read(0, 1)).rejects.toMatchObject({ code: 'packed-corrupt' });
    expect(Buffer.compare(await reader.read(9000, 10), BYTES.subarray(9000, 9010))).toBe(0);
  });
});
