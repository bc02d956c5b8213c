import { RefusedError } from '../errors.ts';
import type { RuleId } from '../rules.ts';

/** Lists and tuples are arrays alike. */
export type PythonLiteral = null | boolean | number | string | PythonLiteral[] | Map<string, PythonLiteral>;

const MAX_DEPTH = 20;
const TOKEN =
  /[ \t\r\n]*(?:([{}[\](),:])|(-?[0-9]{1,15})L?(?![\w.])|(True|False|None)\b|[ub]?'([^'\\]*)'|[ub]?"([^"\\]*)")/y;

/** The subset of Python literals that numpy writes into headers; no expressions, no escapes. Throws under `rule`. */
export function parsePythonLiteral(text: string, rule: RuleId): PythonLiteral {
  const reader = new LiteralReader(text, rule);
  const value = reader.value(0);
  reader.end();
  return value;
}

class LiteralReader {
  readonly #text: string;
  readonly #rule: RuleId;
  #at = 0;

  constructor(text: string, rule: RuleId) {
    this.#text = text;
    this.#rule = rule;
  }

  value(depth: number): PythonLiteral {
    if (depth > MAX_DEPTH) throw this.#refuse('nested too deeply');
    const [, mark, int, word, single, double] = this.#token();
    if (int !== undefined) return Number(int);
    if (word !== undefined) return word === 'None' ? null : word === 'True';
    if (mark === undefined) return single ?? double ?? '';
    if (mark === '{') return this.#dict(depth);
    if (mark === '(' || mark === '[') return this.#sequence(mark === '(' ? ')' : ']', depth);
    throw this.#refuse(`an unexpected ${mark}`);
  }

  end(): void {
    if (this.#text.slice(this.#at).trim() !== '') throw this.#refuse('text after the literal');
  }

  #dict(depth: number): Map<string, PythonLiteral> {
    const entries = new Map<string, PythonLiteral>();
    while (!this.#accept('}')) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' || entries.has(key)) throw this.#refuse('a key that is no text, or twice');
      if (!this.#accept(':')) throw this.#refuse('a key without a value');
      entries.set(key, this.value(depth + 1));
      if (!this.#accept(',') && !this.#peek('}')) throw this.#refuse('a dictionary does not end');
    }
    return entries;
  }

  #sequence(end: string, depth: number): PythonLiteral[] {
    const items: PythonLiteral[] = [];
    while (!this.#accept(end)) {
      items.push(this.value(depth + 1));
      if (!this.#accept(',') && !this.#peek(end)) throw this.#refuse('a sequence does not end');
    }
    return items;
  }

  #token(): RegExpExecArray {
    TOKEN.lastIndex = this.#at;
    const token = TOKEN.exec(this.#text);
    if (token === null) throw this.#refuse('no literal');
    this.#at = TOKEN.lastIndex;
    return token;
  }

  #peek(mark: string): boolean {
    const before = this.#at;
    const found = this.#accept(mark);
    this.#at = before;
    return found;
  }

  #accept(mark: string): boolean {
    const space = /[ \t\r\n]*/y;
    space.lastIndex = this.#at;
    space.exec(this.#text);
    if (this.#text[space.lastIndex] !== mark) return false;
    this.#at = space.lastIndex + 1;
    return true;
  }

  #refuse(text: string): RefusedError {
    return new RefusedError(this.#rule, text, this.#at);
  }
}
