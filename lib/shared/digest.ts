import { createHash, hash } from 'node:crypto';
import * as z from 'zod/mini';
import { Digest } from './ids.ts';
import { Bytes, MIB } from './units.ts';

/** Fixed for every blob that Strata names; tests and the simulator pass smaller ones. */
export const PART_SIZE = 64 * MIB;

/** SHA-256 of one part, lower-case hex. */
export const PartHash = z
  .string()
  .check(z.regex(/^[0-9a-f]{64}$/))
  .brand<'PartHash'>();
export type PartHash = z.infer<typeof PartHash>;

/** CRC-32C of one part, eight lower-case digits. Detects accidents on the way, not forgers: the digest does not cover it. */
export const PartCrc32c = z
  .string()
  .check(z.regex(/^[0-9a-f]{8}$/))
  .brand<'PartCrc32c'>();
export type PartCrc32c = z.infer<typeof PartCrc32c>;

/**
 * Stored as `blobs/<digest>.parts`: what a reader needs to check each fixed part by itself. Where `crc32c` is there, readers
 * of the origin at its pinned version may check it in the place of the hashes, which cost ten times as much.
 */
export const PartManifest = z.strictObject({
  schema: z.literal('strata-parts-1'),
  digest: Digest,
  size: Bytes,
  partSize: Bytes.check(z.positive()),
  parts: z.array(PartHash),
  crc32c: z.optional(z.array(PartCrc32c)),
});
export type PartManifest = z.infer<typeof PartManifest>;

/** How many parts a blob of this size has; an empty blob has none. */
export function partCount(size: number, partSize: number): number {
  return Math.ceil(size / partSize);
}

/**
 * The blob digest: SHA-256 over `"strata-blob-1\n"`, u64le length, u64le part size and the raw part hashes.
 * Throws `RangeError` when the number of hashes does not fit the size.
 */
export function blobDigest(size: number, partSize: number, parts: readonly PartHash[]): Digest {
  if (parts.length !== partCount(size, partSize)) {
    throw new RangeError(
      `${size} bytes in parts of ${partSize} need ${partCount(size, partSize)} hashes, got ${parts.length}`,
    );
  }
  const head = Buffer.alloc(16);
  head.writeBigUInt64LE(BigInt(size), 0);
  head.writeBigUInt64LE(BigInt(partSize), 8);
  const whole = createHash('sha256').update('strata-blob-1\n').update(head);
  for (const part of parts) whole.update(Buffer.from(part, 'hex'));
  return Digest.parse(whole.digest('hex'));
}

export function partHash(bytes: Uint8Array): PartHash {
  return PartHash.parse(hash('sha256', bytes));
}

/** Checks that a manifest names its own digest; a manifest that does not is as good as none. */
export function manifestIsSound(manifest: PartManifest): boolean {
  return (
    manifest.parts.length === partCount(manifest.size, manifest.partSize) &&
    (manifest.crc32c?.length ?? manifest.parts.length) === manifest.parts.length &&
    blobDigest(manifest.size, manifest.partSize, manifest.parts) === manifest.digest
  );
}

export const blobKey = (digest: Digest): string => `blobs/${digest}`;
/** The blob that a key under `blobs/` holds the bytes of; undefined for every other key. */
export const blobDigestOf = (key: string): Digest | undefined => Digest.safeParse(key.replace(/^blobs\//, '')).data;
export const manifestKey = (digest: Digest): string => `blobs/${digest}.parts`;
