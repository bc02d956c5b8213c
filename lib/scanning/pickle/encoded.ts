/** How a pickle may be spelled as text: by stagers that decode and load it, and (latin1) by protocols 0 to 2, which write bytes as text. */
export type TextEncoding = 'base64' | 'hex' | 'latin1';

/** More than this is no stager but data. */
const MAX_ENCODED_TEXT = 256 * 1024;
const MIN_ENCODED_TEXT = 12;
/** PROTO with a version up to 5; GLOBAL or MARK with what mostly follows them. */
const BASE64 = /^(?:gA[I-X]|Y[123]|KG[NFl])/;
const HEX = /^(?:800[0-5]|63[67]|2863)/;

/** Whether a text of `length` bytes that begins with `head` could spell a pickle. */
export function encodingOf(head: Uint8Array, length: number): TextEncoding | undefined {
  if (length < MIN_ENCODED_TEXT || length > MAX_ENCODED_TEXT) return undefined;
  const [first, second, third = 0xff] = head;
  if (first === 0xc2 && second === 0x80 && third <= 5) return 'latin1';
  const start = String.fromCharCode(...head.subarray(0, 4));
  if (BASE64.test(start)) return 'base64';
  return HEX.test(start) ? 'hex' : undefined;
}

/** The bytes that a text spells, as far as it spells any. */
export function decodeText(text: Uint8Array, encoding: TextEncoding): Uint8Array {
  if (encoding === 'latin1') return Buffer.from(Buffer.from(text).toString('utf8'), 'latin1');
  return Buffer.from(Buffer.from(text).toString('latin1'), encoding);
}
