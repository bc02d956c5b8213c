import { type PackedReader, readPackedIndex, unpackPart } from './unpack.ts';

export interface UnpackedReader {
  readonly size: number;
  /** Exactly these bytes of the original; each part was checked before any byte of it is given. Throws `CompressionError`, `RangeError`. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Ranges of what a packed file was made of. Keeps the part that was read last: whoever reads on or near unpacks each part once. */
export async function createUnpackedReader(reader: PackedReader): Promise<UnpackedReader> {
  const index = await readPackedIndex(reader);
  const { partSize, size } = index;
  let kept: { readonly part: number; readonly bytes: Uint8Array } | undefined;

  async function partOf(part: number): Promise<Uint8Array> {
    if (kept?.part === part) return kept.bytes;
    kept = undefined;
    const bytes = new Uint8Array(Math.min(partSize, size - part * partSize));
    let at = 0;
    await unpackPart(reader, index, part, async (block) => {
      bytes.set(block, at);
      at += block.length;
    });
    kept = { part, bytes };
    return bytes;
  }

  return {
    size,
    async read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > size) throw new RangeError(`no ${length} bytes at ${offset}`);
      const bytes = new Uint8Array(length);
      for (let at = offset; at < offset + length; ) {
        const part = Math.floor(at / partSize);
        const piece = (await partOf(part)).subarray(at - part * partSize, offset + length - part * partSize);
        bytes.set(piece, at - offset);
        at += piece.length;
      }
      return bytes;
    },
  };
}
