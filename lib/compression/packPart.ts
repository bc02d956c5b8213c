import { createHash } from 'node:crypto';
import { PartHash } from '../shared/digest.ts';
import { writeBlock } from './block.ts';
import { createPieces } from './pieces.ts';

export interface PartPacked {
  /** What lies in the packed file from the part's offset on. */
  readonly pieces: readonly Uint8Array[];
  readonly bytes: number;
  /** Of the original bytes. */
  readonly hash: PartHash;
}

/**
 * Packs one part by itself, as `pack` would put it into the file. Blocks from the front stay as they are until the part has `leastBytes`,
 * for stores that take no smaller ones. Takes the memory of the packed part, of `leastBytes` and of one piece of `source`.
 */
export async function packPart(
  source: AsyncIterable<Uint8Array>,
  blockSize: number,
  leastBytes = 0,
): Promise<PartPacked> {
  const pieces = createPieces(source);
  const hash = createHash('sha256');
  const blocks: (readonly Uint8Array[])[] = [];
  const originals: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const block = await pieces.upTo(blockSize);
    if (block.length === 0) break;
    pieces.take(block.length);
    hash.update(block);
    const packed = writeBlock(block);
    if (originals.length * blockSize < leastBytes) originals.push(Uint8Array.from(block));
    blocks.push(packed);
    bytes += lengthOf(packed);
  }
  for (const [index, original] of originals.entries()) {
    if (bytes >= leastBytes) break;
    const raw = writeBlock(original, true);
    bytes += lengthOf(raw) - lengthOf(blocks[index] ?? []);
    blocks[index] = raw;
  }
  return { pieces: blocks.flat(), bytes, hash: PartHash.parse(hash.digest('hex')) };
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
