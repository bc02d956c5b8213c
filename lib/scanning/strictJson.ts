import { RefusedError } from './errors.ts';
import type { RuleId } from './rules.ts';

/** Objects are maps, so that a key such as `__proto__` is only a key. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export type JsonObject = Map<string, Json>;

export interface JsonLimits {
  /** The rule that a violation breaks. */
  readonly rule: RuleId;
  readonly maxDepth: number;
  /** Values of all kinds, keys included. */
  readonly maxValues: number;
  /** Numbers must be integers that a double holds exactly, written without point or exponent. */
  readonly integersOnly?: boolean;
  /** `NaN` and `Infinity`, which Python writes into configurations, count as zero. */
  readonly nonFinite?: boolean;
  /** Where in the file the text starts, for offsets in errors. */
  readonly offset?: number;
}

const WHITESPACE = /[ \t\n\r]*/y;
/** Anything from the space upwards but the quote and the backslash. */
const STRING_RUN = /[ !#-[\]-\uFFFF]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const NON_FINITE = /NaN|-?Infinity/y;
const HEX4 = /[0-9a-fA-F]{4}/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ['\\', '\\'],
  ['/', '/'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);

/**
 * RFC 8259 and no more: UTF-8 without a byte order mark, no duplicate key, bounded depth and count, nothing after the
 * value but white space. Throws a `RefusedError`. Each is a place where two JSON parsers may read different things.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new RefusedError(limits.rule, 'the JSON text is not UTF-8', limits.offset);
  }
  return new Parser(text, limits).document();
}

class Parser {
  #text: string;
  #limits: JsonLimits;
  #at = 0;
  #values = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at !== this.#text.length) throw this.#refuse('text after the JSON value');
    return value;
  }

  #value(depth: number): Json {
    if (depth > this.#limits.maxDepth) throw this.#refuse(`nested deeper than ${this.#limits.maxDepth}`);
    this.#count();
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#literal('true', true);
      case 'f':
        return this.#literal('false', false);
      case 'n':
        return this.#literal('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    const object: JsonObject = new Map();
    this.#at += 1;
    if (this.#next('}')) return object;
    do {
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#refuse('an object key is not a string');
      this.#count();
      const key = this.#string();
      if (object.has(key)) throw this.#refuse(`duplicate key ${JSON.stringify(key)}`);
      if (!this.#next(':')) throw this.#refuse('no colon after a key');
      object.set(key, this.#value(depth + 1));
    } while (this.#next(','));
    if (!this.#next('}')) throw this.#refuse('an object does not end');
    return object;
  }

  #array(depth: number): Json[] {
    const array: Json[] = [];
    this.#at += 1;
    if (this.#next(']')) return array;
    do array.push(this.#value(depth + 1));
    while (this.#next(','));
    if (!this.#next(']')) throw this.#refuse('an array does not end');
    return array;
  }

  #string(): string {
    this.#at += 1;
    let out = '';
    for (;;) {
      out += this.#match(STRING_RUN) ?? '';
      const character = this.#text[this.#at];
      this.#at += 1;
      if (character === '"') return out;
      if (character !== '\\') throw this.#refuse('a string does not end or holds a control character');
      out += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    this.#at += 1;
    if (letter === 'u') {
      const hex = this.#match(HEX4);
      if (hex === undefined) throw this.#refuse('a bad \\u escape');
      return String.fromCharCode(Number.parseInt(hex, 16));
    }
    const character = ESCAPES.get(letter);
    if (character === undefined) throw this.#refuse('an unknown escape');
    return character;
  }

  #number(): number {
    if (this.#limits.nonFinite === true && this.#match(NON_FINITE) !== undefined) return 0;
    const token = this.#match(NUMBER);
    if (token === undefined || token === '') throw this.#refuse('not a JSON value');
    const value = Number(token);
    if (!Number.isFinite(value)) throw this.#refuse(`the number ${token.slice(0, 40)} is too large`);
    if (this.#limits.integersOnly === true && !(/^-?[0-9]+$/.test(token) && Number.isSafeInteger(value))) {
      throw this.#refuse(`${token.slice(0, 40)} is not an exact integer`);
    }
    return value;
  }

  #literal<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#refuse('not a JSON value');
    this.#at += word.length;
    return value;
  }

  #next(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    this.#match(WHITESPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #count(): void {
    this.#values += 1;
    if (this.#values > this.#limits.maxValues) throw this.#refuse(`more than ${this.#limits.maxValues} values`);
  }

  #refuse(text: string): RefusedError {
    // The offset counts UTF-16 units from the start of the text: exact for ASCII, close enough to find the place.
    return new RefusedError(this.#limits.rule, text, (this.#limits.offset ?? 0) + this.#at);
  }
}
