import { zstdDecompressSync } from 'node:zlib';
import { RefusedError } from '../errors.ts';
import type { Inspection } from '../inspection.ts';
import { createBufferReader, type RangedReader } from '../rangedReader.ts';
import type { Format } from '../verdict.ts';
import { decodeBzip2, looksLikeBzip2 } from './compression/bzip2.ts';
import { decodeLzma, decodeXz, looksLikeLzma, looksLikeXz } from './compression/xz.ts';
import { BOMB_RATIO, type Inflation, inflate, isTooLarge } from './inflate.ts';

type Compression = 'gzip' | 'zlib' | 'zstd' | 'bzip2' | 'xz' | 'lzma';

/** Both sides are in memory at once, and inner archives may inflate again. */
const MAX_COMPRESSED = 64 * 1024 * 1024;
const MAX_INFLATED = 128 * 1024 * 1024;
/** Our own decoders make some ten megabytes a second. */
const MAX_DECODED = 48 * 1024 * 1024;

export function compressionOf(head: Uint8Array): Compression | undefined {
  const [a = 0, b = 0, c = 0, d = 0] = head;
  if (a === 0x1f && b === 0x8b && c === 8) return 'gzip';
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return 'zstd';
  if (looksLikeBzip2(head)) return 'bzip2';
  if (looksLikeXz(head)) return 'xz';
  // RFC 1950: method 8, a window of at most 32 KiB, and a check that makes both bytes a multiple of 31; no dictionary.
  if ((a & 0x8f) === 0x08 && (a * 256 + b) % 31 === 0 && (b & 0x20) === 0) return 'zlib';
  return looksLikeLzma(head) ? 'lzma' : undefined;
}

/** Judges what one compressed stream holds, within a bound: joblib's compressed pickles and compressed tars. */
export async function judgeCompressed(
  reader: RangedReader,
  compression: Compression,
  inspection: Inspection,
): Promise<Format> {
  if (reader.size > MAX_COMPRESSED) throw new RefusedError('file.too-large', `${reader.size} compressed bytes`);
  const bytes = await reader.read(0, reader.size);
  const format = await inspection.inspectInside(compression, createBufferReader(decompress(bytes, compression)));
  return format === 'joblib' ? 'joblib' : 'compressed';
}

function decompress(bytes: Uint8Array, compression: Compression): Uint8Array {
  const inflated = unpack(bytes, compression);
  switch (inflated.outcome) {
    case 'inflated':
      if (inflated.consumed === bytes.length) return inflated.bytes;
      throw new RefusedError('archive.trailing', 'bytes follow the compressed stream', inflated.consumed);
    case 'too-large':
      throw new RefusedError(
        bytes.length * BOMB_RATIO < MAX_INFLATED ? 'archive.bomb' : 'file.too-large',
        `inflates to more than ${MAX_INFLATED} bytes`,
      );
    default:
      throw new RefusedError('archive.corrupt', `the ${compression} stream is damaged`);
  }
}

function unpack(bytes: Uint8Array, compression: Compression): Inflation {
  switch (compression) {
    case 'gzip':
    case 'zlib':
      return inflate(compression, bytes, MAX_INFLATED);
    case 'bzip2':
      return { outcome: 'inflated', ...decodeBzip2(bytes, MAX_DECODED) };
    case 'xz':
      return { outcome: 'inflated', ...decodeXz(bytes, MAX_DECODED) };
    case 'lzma':
      return { outcome: 'inflated', ...decodeLzma(bytes, MAX_DECODED) };
    default:
      return decompressZstd(bytes);
  }
}

/** zstd's frames follow one another, so that nothing can hide behind them. */
function decompressZstd(bytes: Uint8Array): Inflation {
  try {
    const output = zstdDecompressSync(bytes, { maxOutputLength: MAX_INFLATED });
    return { outcome: 'inflated', bytes: output, consumed: bytes.length };
  } catch (error) {
    return { outcome: isTooLarge(error) ? 'too-large' : 'damaged' };
  }
}
