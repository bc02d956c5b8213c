import { cachingError } from '../errors.ts';

/** A cache size as somebody wrote it, and how many bytes that is on one trace. */
export interface CacheSize {
  /** The number as given: a share of the footprint up to 1, bytes above. */
  readonly size: number;
  bytesOf(footprintBytes: number): number;
}

/**
 * Reads `0.05` (share of the footprint) or `5000000000` (bytes).
 * @throws CachingError `bad-size`
 */
export function parseCacheSize(text: string): CacheSize {
  const size = Number(text);
  if (text.trim() === '' || !(size > 0) || !Number.isFinite(size)) {
    throw cachingError('bad-size', `size ${JSON.stringify(text)} is neither a share in (0, 1] nor a count of bytes`);
  }
  return { size, bytesOf: (footprintBytes) => Math.floor(size <= 1 ? size * footprintBytes : size) };
}
