import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import * as z from 'zod/mini';
import { measureCompressibility, pack, unpack } from '../../lib/compression/index.ts';
import { isPrepared, publishedModelFile } from '../../local/services/places.ts';
import { asDtype, WEIGHT_DTYPES, weights } from '../../test/support/weights.ts';

/**
 * `npm run bench -- compress [--file FILE …] [--python PYTHON] [--mib N]`: how far the estimate from 16 windows lies from all bytes
 * packed, that they come back, and ratio and speed beside plain zstd -3 and, where PYTHON has it, zipnn (`pip install zipnn`). One thread each. The bytes
 * are the published model of `npm run services`, the same weights in other dtypes, drawn weights, and the files that are named.
 */

const PEER = join(import.meta.dirname, 'zipnn_peer.py');

interface Subject {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** As zipnn has to be told; it takes floating-point numbers only. */
  readonly dtype?: 'bfloat16' | 'float16' | 'float32';
}

export async function run(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      file: { type: 'string', multiple: true, default: [] },
      python: { type: 'string' },
      mib: { type: 'string', default: '32' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'strata-compress-'));
  try {
    console.log(
      'bytes                   MB     estimate  measured     off  reads  pack MB/s  unpack   zstd -3    MB/s     zipnn    MB/s',
    );
    for (const subject of subjects(Number(values.mib), values.file)) {
      const peer = values.python === undefined ? undefined : zipnn(values.python, folder, subject);
      console.log(await line(subject, peer));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function* subjects(mib: number, files: readonly string[]): Generator<Subject> {
  const size = mib * 1024 * 1024;
  if (isPrepared('published-model')) {
    const model = readFileSync(publishedModelFile());
    yield { name: 'all-MiniLM-L6-v2 F32', bytes: model, dtype: 'float32' };
    const floats = tensorData(model);
    yield { name: '  the same as BF16', bytes: asDtype('BF16', floats), dtype: 'bfloat16' };
    yield { name: '  the same as F16', bytes: asDtype('F16', floats), dtype: 'float16' };
    yield { name: '  the same as I8', bytes: asDtype('I8', floats) };
  } else {
    console.log('SKIPPED the published model: it is not prepared (npm run services)');
  }
  const zipnnDtype = {
    BF16: 'bfloat16',
    F16: 'float16',
    F32: 'float32',
    'F32-from-BF16': 'float32',
    I8: 'byte',
  } as const;
  const width = { BF16: 2, F16: 2, F32: 4, 'F32-from-BF16': 4, I8: 1 } as const;
  for (const dtype of WEIGHT_DTYPES) {
    yield {
      name: `drawn ${dtype}`,
      bytes: weights(dtype, size / width[dtype], 1),
      ...(dtype === 'I8' ? {} : { dtype: zipnnDtype[dtype] }),
    };
  }
  for (const file of files) yield { name: basename(file), bytes: readFileSync(file) };
}

/** The tensors of a safetensors file of F32 alone. */
function tensorData(file: Buffer): Float32Array<ArrayBuffer> {
  const start = 8 + Number(file.readBigUInt64LE(0));
  const copy = Uint8Array.from(file.subarray(start));
  return new Float32Array(copy.buffer, 0, Math.floor(copy.length / 4));
}

async function line({ name, bytes }: Subject, peer: Peer | undefined): Promise<string> {
  let reads = 0;
  const estimate = await measureCompressibility(bytes.length, async (offset, length) => {
    reads += 1;
    return bytes.subarray(offset, offset + length);
  });
  const file: Uint8Array[] = [];
  const packing = performance.now();
  const { packedSize, digest } = await pack(pieces(bytes), async (piece) => void file.push(Uint8Array.from(piece)));
  const unpacking = performance.now();
  const unpacked = await unpack(pieces(Buffer.concat(file)), async () => {});
  const ended = performance.now();
  if (unpacked.digest !== digest) throw new Error(`${name} came back as other bytes`);
  const measured = packedSize / bytes.length;
  const zstd = timed(bytes.length, () => zstdCompressSync(bytes).length);
  const cells = [
    name.padEnd(21),
    (bytes.length / 1e6).toFixed(1).padStart(5),
    estimate.ratio.toFixed(4).padStart(12),
    measured.toFixed(4).padStart(9),
    (estimate.ratio - measured).toFixed(4).padStart(7),
    String(reads).padStart(6),
    (bytes.length / 1000 / (unpacking - packing)).toFixed(0).padStart(10),
    (bytes.length / 1000 / (ended - unpacking)).toFixed(0).padStart(7),
    zstd.ratio.toFixed(4).padStart(9),
    zstd.mbPerSecond.toFixed(0).padStart(7),
    peer === undefined ? '        –' : peer.ratio.toFixed(4).padStart(9),
    peer === undefined ? '      –' : peer.mbPerSecond.toFixed(0).padStart(7),
  ];
  return cells.join(' ');
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1 << 20) yield bytes.subarray(at, at + (1 << 20));
}

function timed(bytes: number, compress: () => number): Peer {
  const started = performance.now();
  const size = compress();
  return { ratio: size / bytes, mbPerSecond: bytes / 1000 / (performance.now() - started) };
}

const Peer = z.strictObject({ ratio: z.number(), mbPerSecond: z.number() });
type Peer = z.infer<typeof Peer>;

function zipnn(python: string, folder: string, { bytes, dtype }: Subject): Peer | undefined {
  if (dtype === undefined) return undefined;
  if (!existsSync(python)) throw new Error(`${python} does not exist`);
  const path = join(folder, 'bytes');
  writeFileSync(path, bytes);
  const child = spawnSync(python, [PEER, path, dtype], { encoding: 'utf8' });
  if (child.status !== 0) throw new Error(`zipnn failed: ${child.stderr}`);
  return Peer.parse(JSON.parse(child.stdout));
}
