import { createHash, type Hash } from 'node:crypto';

export interface PartHasher {
  update(chunk: Uint8Array): void;
  /** The hashes as a version keeps them; nothing where no part size was given. */
  finish(): { readonly parts?: { readonly size: number; readonly hashes: readonly string[] } };
}

/** SHA-256 (hex) of each consecutive part of `partSize` bytes of a stream, however it is cut into chunks. */
export function createPartHasher(partSize: number | undefined): PartHasher {
  if (partSize === undefined) return { update: () => undefined, finish: () => ({}) };
  const hashes: string[] = [];
  let hash: Hash | undefined;
  let filled = 0;

  function closePart(): void {
    if (hash !== undefined) hashes.push(hash.digest('hex'));
    hash = undefined;
    filled = 0;
  }

  return {
    update(chunk) {
      let rest = chunk;
      while (rest.byteLength > 0) {
        const taken = rest.subarray(0, partSize - filled);
        hash ??= createHash('sha256');
        hash.update(taken);
        filled += taken.byteLength;
        rest = rest.subarray(taken.byteLength);
        if (filled === partSize) closePart();
      }
    },
    finish() {
      closePart();
      return { parts: { size: partSize, hashes } };
    },
  };
}
