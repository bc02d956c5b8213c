import { damaged, OutputBuffer } from './decodeOutput.ts';
import { LzmaDecoder } from './lzma.ts';

const MAGIC = 'fd377a585a00';
const LZMA2 = 0x21;
/** Bytes of the check behind each block by its type: none, CRC32, CRC64, SHA-256. */
const CHECK_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 0],
  [1, 4],
  [4, 8],
  [10, 32],
]);

export function looksLikeXz(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 6)).toString('hex') === MAGIC;
}

/** Properties, a dictionary of at least 4 KiB that is a power of two or one and a half of it, and a size or all ones. */
export function looksLikeLzma(head: Uint8Array): boolean {
  if (head.length < 14 || (head[0] ?? 255) >= 225 || head[13] !== 0) return false;
  const view = new DataView(head.buffer, head.byteOffset, 13);
  const dictionary = view.getUint32(1, true);
  const size = view.getBigUint64(5, true);
  const plausible = (dictionary & (dictionary - 1)) === 0 && dictionary >= 4096 && dictionary <= 2 ** 30;
  return plausible && (size === 2n ** 64n - 1n || size < 2n ** 40n);
}

/** Decodes a file of the old `.lzma` format; answers the output and the bytes taken. Throws a `RefusedError`. */
export function decodeLzma(input: Uint8Array, maxBytes: number): { bytes: Uint8Array; consumed: number } {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const size = view.getBigUint64(5, true);
  const unknown = size === 2n ** 64n - 1n;
  const output = new OutputBuffer(maxBytes);
  const decoder = new LzmaDecoder(output);
  decoder.setProperties(input[0] ?? 255);
  decoder.resetState();
  const taken = decoder.decode(input.subarray(13), unknown ? Number.MAX_SAFE_INTEGER : Number(size), unknown);
  return { bytes: output.finish(), consumed: 13 + taken };
}

/** Decodes one stream of the `.xz` format whose blocks use LZMA2 alone, as Python writes it. Checks are passed over. */
export function decodeXz(input: Uint8Array, maxBytes: number): { bytes: Uint8Array; consumed: number } {
  const output = new OutputBuffer(maxBytes);
  const checkBytes = CHECK_BYTES.get((input[7] ?? 0) & 0x0f);
  if (checkBytes === undefined) throw damaged('an unknown check');
  let at = 12;
  while (input[at] !== 0) {
    if (at >= input.length) throw damaged('the compressed data end too early');
    at = decodeBlock(input, at, output);
    at += (4 - (at % 4)) % 4;
    at += checkBytes;
  }
  return { bytes: output.finish(), consumed: indexEnd(input, at) };
}

function decodeBlock(input: Uint8Array, start: number, output: OutputBuffer): number {
  const headerBytes = ((input[start] ?? 0) + 1) * 4;
  const flags = input[start + 1] ?? 0;
  let at = start + 2;
  for (const present of [flags & 0x40, flags & 0x80]) if (present !== 0) at = readVli(input, at).next;
  const filter = readVli(input, at);
  if ((flags & 0x3f) !== 0 || filter.value !== LZMA2) throw damaged('another filter than LZMA2');
  return decodeLzma2(input, start + headerBytes, output);
}

/** Chunks of raw or of compressed bytes, each telling what it starts anew; a zero ends them. */
function decodeLzma2(input: Uint8Array, start: number, output: OutputBuffer): number {
  const decoder = new LzmaDecoder(output);
  let at = start;
  for (;;) {
    const control = input[at];
    if (control === undefined) throw damaged('the compressed data end too early');
    if (control === 0) return at + 1;
    const low = ((input[at + 1] ?? 0) << 8) | (input[at + 2] ?? 0);
    if (control < 0x80) {
      if (control > 2 || at + 4 + low > input.length) throw damaged('a bad raw chunk');
      output.append(input.subarray(at + 3, at + 4 + low));
      at += 4 + low;
      continue;
    }
    const packed = (((input[at + 3] ?? 0) << 8) | (input[at + 4] ?? 0)) + 1;
    const reset = (control >> 5) & 3;
    const dataAt = at + (reset >= 2 ? 6 : 5);
    if (reset >= 2) decoder.setProperties(input[at + 5] ?? 255);
    if (reset >= 1) decoder.resetState();
    if (dataAt + packed > input.length) throw damaged('the compressed data end too early');
    const unpacked = ((control & 0x1f) << 16) + low + 1;
    decoder.decode(input.subarray(dataAt, dataAt + packed), unpacked, false);
    at = dataAt + packed;
  }
}

/** The index repeats the sizes of the blocks; the footer of twelve bytes ends the stream. */
function indexEnd(input: Uint8Array, start: number): number {
  const count = readVli(input, start + 1);
  let at = count.next;
  for (let index = 0; index < count.value * 2; index += 1) at = readVli(input, at).next;
  at += (4 - ((at - start) % 4)) % 4;
  const end = at + 4 + 12;
  if (input[end - 2] !== 0x59 || input[end - 1] !== 0x5a) throw damaged('no footer');
  return end;
}

function readVli(input: Uint8Array, start: number): { value: number; next: number } {
  let value = 0;
  for (let index = 0; index < 7; index += 1) {
    const byte = input[start + index];
    if (byte === undefined) throw damaged('the compressed data end too early');
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: start + index + 1 };
  }
  throw damaged('a number that is too long');
}
