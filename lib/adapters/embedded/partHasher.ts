import { createHash, type Hash } from 'node:crypto';
import { crc32cHex } from '../../shared/crc32c/index.ts';
import { crc32cOf } from '../../shared/crc32c/ofBytes.ts';
import type { VerifiedParts } from '../../shared/ports/objectStore.ts';

export interface PartHasher {
  update(chunk: Uint8Array): void;
  /** The checksums as a version keeps them; nothing where no part size was given. */
  finish(): { readonly parts?: VerifiedParts & { readonly size: number } };
}

/** SHA-256 and CRC-32C of each consecutive part of `partSize` bytes of a stream, however it is cut into chunks. */
export function createPartHasher(partSize: number | undefined): PartHasher {
  if (partSize === undefined) return { update: () => undefined, finish: () => ({}) };
  const sha256: string[] = [];
  const crc32c: string[] = [];
  let hash: Hash | undefined;
  let checksum = 0;
  let filled = 0;

  function closePart(): void {
    if (hash !== undefined) {
      sha256.push(hash.digest('hex'));
      crc32c.push(crc32cHex(checksum));
    }
    hash = undefined;
    checksum = 0;
    filled = 0;
  }

  return {
    update(chunk) {
      let rest = chunk;
      while (rest.byteLength > 0) {
        const taken = rest.subarray(0, partSize - filled);
        hash ??= createHash('sha256');
        hash.update(taken);
        checksum = crc32cOf(taken, checksum);
        filled += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        if (filled === partSize) closePart();
      }
    },
    finish() {
      closePart();
      return { parts: { size: partSize, sha256, crc32c } };
    },
  };
}
