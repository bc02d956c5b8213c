import { gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import * as z from 'zod/mini';

/** Weights hardly compress: output beyond a bound from so little input has no other purpose. */
export const BOMB_RATIO = 200;

/** What zlib answers with `info: true`, which its types do not tell. */
const Inflated = z.object({ buffer: z.instanceof(Uint8Array), engine: z.object({ bytesWritten: z.number() }) });

export type Inflation =
  | { readonly outcome: 'inflated'; readonly bytes: Uint8Array; readonly consumed: number }
  | { readonly outcome: 'too-large' | 'damaged' };

const UNPACK = { raw: inflateRawSync, zlib: inflateSync, gzip: gunzipSync };

/** Inflates one stream, to `maxBytes` at most; `consumed` tells whether anything follows it. Synchronous by design. */
export function inflate(kind: keyof typeof UNPACK, compressed: Uint8Array, maxBytes: number): Inflation {
  try {
    const options = { maxOutputLength: Math.max(1, maxBytes), info: true };
    const { buffer, engine } = Inflated.parse(UNPACK[kind](compressed, options));
    return { outcome: 'inflated', bytes: buffer, consumed: engine.bytesWritten };
  } catch (error) {
    return { outcome: isTooLarge(error) ? 'too-large' : 'damaged' };
  }
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
}
