import { OPAQUE_TEXT, type TextValue } from './values.ts';

/** Longer texts are no names of modules, attributes or tensors; they stay on the stack without their content. */
export const MAX_NAME = 512;
/** What is kept of all texts together; beyond it every text counts as unknown, which is never allowed as an import. */
const MAX_KEPT_CHARACTERS = 64 * 1024 * 1024;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What names of modules, attributes and tensors are made of. */
const NAME = /^[\w.\-:/]+$/;
/** Neither a name nor what the encoding of binary data looks like. */
const PROSE = /^[ -~]+$/;

/** Turns the bytes of text operands into values, within a bound on what it keeps. */
export class TextKeeper {
  #kept: number;

  constructor(kept = 0) {
    this.#kept = kept;
  }

  /** Characters kept so far. */
  get kept(): number {
    return this.#kept;
  }

  keep(text: string | undefined): TextValue {
    if (text === undefined || text.length > MAX_NAME) return OPAQUE_TEXT;
    // Names of special attributes are told apart in every state.
    if (this.#kept > MAX_KEPT_CHARACTERS && !text.startsWith('__')) return OPAQUE_TEXT;
    this.#kept += text.length;
    return { kind: 'text', text };
  }

  /** As `keep`, for a text that lies in the stream: its place is kept where its content might be asked for. */
  keepAt(text: string | undefined, offset: number, length: number): TextValue {
    if (text !== undefined && NAME.test(text)) return this.keep(text);
    return text !== undefined && PROSE.test(text) ? OPAQUE_TEXT : { kind: 'text', offset, length };
  }
}

/** UTF-8, or undefined where it is none: Python would raise or make surrogates, and neither is a name. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  const latin1 = decodeLatin1(bytes);
  if (!/[\u0080-\u00ff]/.test(latin1)) return latin1;
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

export function decodeLatin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The operand of UNICODE: Latin-1 with \\uXXXX and \\UXXXXXXXX. */
export function decodeRawUnicodeEscape(bytes: Uint8Array): string {
  const text = decodeLatin1(bytes);
  if (!text.includes('\\')) return text;
  const points = text.replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short?: string, long?: string) => {
    const point = Number.parseInt(short ?? long ?? '', 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
  return points;
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
]);

/** The operand of STRING: a quoted text with Python's escapes. Undefined where the quotes are wrong: Python raises. */
export function decodeQuoted(bytes: Uint8Array): string | undefined {
  const text = decodeLatin1(bytes).trimEnd();
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) return undefined;
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|([^]))/g, (whole, hex?: string, octal?: string, letter?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
      return SIMPLE_ESCAPES.get(letter ?? '') ?? whole;
    });
}
