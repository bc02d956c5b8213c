import { beginsLikePickle, OP } from './opcodes.ts';
import { decodeRawUnicodeEscape } from './operands.ts';

/** How a pickle may be spelled as text: by stagers that decode and load it, and (latin1) by protocols 0 to 2, which write bytes as text. */
export type TextEncoding = 'base64' | 'hex' | 'latin1' | 'escaped';

/** More than this is no stager but data. */
const MAX_ENCODED_TEXT = 256 * 1024;
const MIN_ENCODED_TEXT = 12;
/** What of a text tells how it spells a pickle: names of modules end with their line. */
export const TEXT_HEAD = 128;
const NEWLINE = 0x0a;
/** PROTO with a version up to 5; GLOBAL or MARK with what mostly follows them. */
const BASE64 = /^(?:gA[I-X]|Y[123]|KG[NFl])/;
const HEX = /^(?:800[0-5]|63[67]|2863)/;

/** Whether a text of `length` bytes that begins with `head` could spell a pickle. */
export function encodingOf(head: Uint8Array, length: number): TextEncoding | undefined {
  if (length < MIN_ENCODED_TEXT || length > MAX_ENCODED_TEXT) return undefined;
  const [first, second, third = 0xff] = head;
  if (first === 0xc2 && second === 0x80 && third <= 5) return 'latin1';
  if (first !== OP.PROTO && beginsLikePickle(head)) return head.includes(NEWLINE) ? 'latin1' : undefined;
  const start = String.fromCharCode(...head.subarray(0, 4));
  if (BASE64.test(start)) return 'base64';
  return HEX.test(start) ? 'hex' : undefined;
}

/** As `encodingOf`, for the line of a protocol 0 text, in which bytes stand for themselves and line ends are escaped. */
export function encodingOfLine(line: Uint8Array): TextEncoding | undefined {
  const isEscaped = line.length >= MIN_ENCODED_TEXT && line.length <= MAX_ENCODED_TEXT && beginsLikePickle(line);
  if (!isEscaped) return encodingOf(line, line.length);
  return line[0] === OP.PROTO || Buffer.from(line).includes('\\u000a') ? 'escaped' : undefined;
}

/** The bytes that a text spells, as far as it spells any. */
export function decodeText(text: Uint8Array, encoding: TextEncoding): Uint8Array {
  if (encoding === 'escaped') return Buffer.from(decodeRawUnicodeEscape(text), 'latin1');
  if (encoding === 'latin1') return Buffer.from(Buffer.from(text).toString('utf8'), 'latin1');
  return Buffer.from(Buffer.from(text).toString('latin1'), encoding);
}
