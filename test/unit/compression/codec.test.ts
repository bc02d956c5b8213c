import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompressionError } from '../../../lib/compression/errors.ts';
import type { Geometry } from '../../../lib/compression/layout.ts';
import { GEOMETRY, pack } from '../../../lib/compression/pack.ts';
import { readPackedIndex, unpack, unpackPart } from '../../../lib/compression/unpack.ts';
import { blobDigest, partHash } from '../../../lib/shared/digest.ts';
import { weights } from '../../support/weights.ts';

const SMALL: Geometry = { partSize: 8192, blockSize: 2048 };

async function* pieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function collect() {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  return {
    write: async (piece: Uint8Array) => {
      chunks.push(Uint8Array.from(piece));
      bytes += piece.length;
    },
    bytes: () => bytes,
    all: () => Buffer.concat(chunks),
  };
}

async function packed(bytes: Uint8Array, geometry: Geometry = SMALL, piece = 10_000) {
  const out = collect();
  const summary = await pack(pieces(bytes, piece), out.write, geometry);
  return { file: out.all(), summary };
}

function readerOf(file: Buffer) {
  const ranges: (readonly [offset: number, length: number])[] = [];
  const read = async (offset: number, length: number) => {
    ranges.push([offset, length]);
    return file.subarray(offset, offset + length);
  };
  return { reader: { size: file.length, read }, ranges };
}

/** Bytes of every kind that a block may have: numbers, runs, noise. */
const content = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc.nat(6000).map((length) => new Uint8Array(length).fill(length)),
      fc.nat(2000).map((count) => weights('BF16', count, count)),
      fc.nat(2000).map((count) => weights('F32', count, count)),
    ),
    { maxLength: 8 },
  )
  .map((chunks) => new Uint8Array(Buffer.concat(chunks)));

describe('a packed file', () => {
  it('gives back the bytes and tells their digest, however they come', async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.integer({ min: 1, max: 9000 }), async (bytes, piece) => {
        const { file, summary } = await packed(bytes, SMALL, piece);
        const hashes = [];
        for (let at = 0; at < bytes.length; at += SMALL.partSize) {
          hashes.push(partHash(bytes.subarray(at, at + SMALL.partSize)));
        }
        const digest = blobDigest(bytes.length, SMALL.partSize, hashes);
        expect(summary).toEqual({ size: bytes.length, digest, packedSize: file.length });
        const out = collect();
        expect(await unpack(pieces(file, piece), out.write)).toEqual(summary);
        expect(out.all().equals(bytes)).toBe(true);
      }),
      { numRuns: 80 },
    );
  });

  it('gives each part by itself, in any order and at once', async () => {
    const bytes = weights('BF16', 30_000, 3);
    const { file, summary } = await packed(bytes);
    const { reader, ranges } = readerOf(file);
    const index = await readPackedIndex(reader);
    expect(index).toMatchObject({ size: bytes.length, digest: summary.digest, ...SMALL });
    expect(ranges).toHaveLength(3);
    const outs = index.parts.map(collect);
    await Promise.all(index.parts.map((_, part) => unpackPart(reader, index, part, outs[part]!.write)));
    expect(Buffer.concat(outs.map((out) => out.all())).equals(bytes)).toBe(true);
    await expect(unpackPart(reader, index, 99, outs[0]!.write)).rejects.toThrow(RangeError);
    // A part is read from its own range alone.
    ranges.length = 0;
    await unpackPart(reader, index, 3, collect().write);
    expect(Math.min(...ranges.map(([offset]) => offset))).toBe(index.parts[3]?.offset);
    expect(Math.max(...ranges.map(([offset, length]) => offset + length))).toBe(index.parts[4]?.offset);
  });

  it('is two thirds of BF16 weights, and never more than a thousandth above what does not compress', async () => {
    const model = weights('BF16', 1_000_000, 1);
    expect((await packed(model, GEOMETRY)).file.length / model.length).toBeLessThan(0.68);
    const noise = new Uint8Array(1_000_000);
    for (let at = 0; at < noise.length; at += 62_500) crypto.getRandomValues(noise.subarray(at, at + 62_500));
    expect((await packed(noise, GEOMETRY)).file.length / noise.length).toBeLessThan(1.001);
  });

  it('of nothing at all has a digest, too', async () => {
    const { file, summary } = await packed(new Uint8Array());
    expect(summary.digest).toBe(blobDigest(0, SMALL.partSize, []));
    expect(await unpack(pieces(file, 7), collect().write)).toEqual(summary);
    expect((await readPackedIndex(readerOf(file).reader)).parts).toEqual([]);
  });
});

/** Both ways to read, each ending in bytes or in a `CompressionError`. */
async function outcomes(file: Buffer) {
  const out = collect();
  const streamed = await unpack(pieces(file, 5000), out.write).then(
    () => out.all(),
    (error: unknown) => error,
  );
  const { reader } = readerOf(file);
  const ranged = await (async () => {
    const index = await readPackedIndex(reader);
    const whole = collect();
    for (const part of index.parts.keys()) await unpackPart(reader, index, part, whole.write);
    return whole.all();
  })().catch((error: unknown) => error);
  return { streamed, ranged, handedOn: out.bytes() };
}

describe('a damaged file', () => {
  const bytes = new Uint8Array(
    Buffer.concat([
      weights('BF16', 6000, 1),
      new Uint8Array(9000),
      weights('F32', 1500, 2),
      Buffer.from('text '.repeat(500)),
    ]),
  );

  it('is refused wherever a byte of it is another', async () => {
    const { file } = await packed(bytes);
    // Each byte of what tells about others: the head, the first block's, and all behind the blocks; of the blocks' own, some.
    const { blocksEnd } = await readPackedIndex(readerOf(file).reader);
    const told = Array.from({ length: 64 }, (_, at) => at);
    for (let at = blocksEnd; at < file.length; at += 1) told.push(at);
    const places = fc.oneof(fc.constantFrom(...told), fc.nat(file.length - 1));
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(file);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        const { streamed, ranged, handedOn } = await outcomes(damaged);
        // A byte of a zstd frame that its decoder does not look at changes nothing; then the bytes are the same.
        for (const outcome of [streamed, ranged]) {
          if (Buffer.isBuffer(outcome)) expect(outcome.equals(bytes)).toBe(true);
          else expect(outcome).toBeInstanceOf(CompressionError);
        }
        expect(handedOn).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: told.length + 400, examples: told.map((at): [number, number] => [at, 1 + (at % 255)]) },
    );
  });

  it('is refused wherever it is cut off, and when anything follows it', async () => {
    const { file } = await packed(bytes);
    for (let length = 0; length < file.length; length += length < 200 || length > file.length - 400 ? 1 : 97) {
      const { streamed, ranged } = await outcomes(file.subarray(0, length));
      expect(streamed).toBeInstanceOf(CompressionError);
      expect(ranged).toBeInstanceOf(CompressionError);
    }
    const { streamed, ranged } = await outcomes(Buffer.concat([file, Buffer.alloc(1)]));
    expect(streamed).toBeInstanceOf(CompressionError);
    expect(ranged).toBeInstanceOf(CompressionError);
  });

  it('is refused where parts were exchanged, or blocks are those of another file', async () => {
    const { file } = await packed(bytes);
    const index = await readPackedIndex(readerOf(file).reader);
    const [first, second, third] = index.parts.map(({ offset }) => offset);
    const exchanged = Buffer.concat([
      file.subarray(0, first),
      file.subarray(second, third),
      file.subarray(first, second),
      file.subarray(third),
    ]);
    const other = Uint8Array.from(bytes);
    other[100] = (other[100] ?? 0) ^ 1;
    const foreign = (await packed(other)).file;
    const mixed = Buffer.concat([foreign.subarray(0, index.blocksEnd), file.subarray(index.blocksEnd)]);
    for (const wrong of [exchanged, mixed]) {
      const { streamed, ranged } = await outcomes(wrong);
      expect(streamed).toMatchObject({ code: 'packed-corrupt' });
      expect(ranged).toMatchObject({ code: 'packed-corrupt' });
    }
  });

  it('never takes memory by a number that it says', async () => {
    const { file } = await packed(bytes);
    for (const [at, value] of [
      [8, 0xffff_ffff],
      [12, 0xffff_ffff],
      [16, 0xffff_ffff],
      [25, 0xffff_ffff],
      [25, 0x7fff_ffff],
    ] as const) {
      const damaged = Buffer.from(file);
      damaged.writeUInt32LE(value, at);
      const { streamed, ranged, handedOn } = await outcomes(damaged);
      expect(streamed).toBeInstanceOf(CompressionError);
      expect(ranged).toBeInstanceOf(CompressionError);
      expect(handedOn).toBe(0);
    }
  });

  it('of endless parts is given up', async () => {
    const { file } = await packed(new Uint8Array(4096), { partSize: 4096, blockSize: 4096 });
    const part = file.subarray(16, (await readPackedIndex(readerOf(file).reader)).blocksEnd);
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield file.subarray(0, 16);
      const many = Buffer.concat(Array.from({ length: 1000 }, () => part));
      for (;;) yield many;
    }
    await expect(unpack(endless(), async () => {}, 5000)).rejects.toMatchObject({ code: 'packed-corrupt' });
  });

  it('of any bytes at all ends in an error', async () => {
    const { file } = await packed(bytes);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (tail) => {
        const made = Buffer.concat([file.subarray(0, 16), tail]);
        for (const wrong of [Buffer.from(tail), made]) {
          const { streamed, ranged } = await outcomes(wrong);
          expect(streamed).toBeInstanceOf(CompressionError);
          expect(ranged).toBeInstanceOf(CompressionError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
