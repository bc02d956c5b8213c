import * as z from 'zod/mini';
import { Bytes } from '../../shared/units.ts';

/** How small a file's bytes would get, measured on windows that were spread over it. */
export const Compressibility = z.strictObject({
  /** What was measured: each block split into its byte planes, each plane through zstd where that makes it smaller. */
  encoding: z.literal('byteplane-zstd-1'),
  /** Compressed ÷ original, over 0 and at most 1. */
  ratio: z.number().check(z.positive(), z.maximum(1)),
  sampledBytes: Bytes,
});
export type Compressibility = z.infer<typeof Compressibility>;
