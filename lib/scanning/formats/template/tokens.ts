export interface Token {
  readonly type: 'text' | 'name' | 'number' | 'sign';
  /** Of a text: what stands between its quotes. */
  readonly value: string;
}

/** One `{{ … }}` or `{% … %}`, with the place of the bracket that closes each one that opens. */
export interface Block {
  readonly tokens: readonly Token[];
  readonly closing: ReadonlyMap<number, number>;
}

const TOKEN =
  /\s+|'((?:[^'\\]|\\[^])*)'|"((?:[^"\\]|\\[^])*)"|([\p{L}_][\p{L}\p{N}_]*)|([0-9][0-9_.]*)|(==|!=|<=|>=|\/\/|\*\*|[^])/uy;
const OPENING = /\{[{%#]/g;
const ENDS: Readonly<Record<string, string>> = { '{{': '}}', '{%': '%}', '{#': '#}' };
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/** No template of a model comes near; what it holds behind this many is not looked at. */
const MAX_TOKENS = 50_000;
const MAX_NESTED = 50;

/** What Jinja would evaluate in a template; undefined where that is more than any template of a model has. */
export function blocksOf(template: string): readonly Block[] | undefined {
  const blocks: Block[] = [];
  let left = MAX_TOKENS;
  OPENING.lastIndex = 0;
  for (let open = OPENING.exec(template); open !== null; open = OPENING.exec(template)) {
    const end = ENDS[open[0]] ?? '';
    const closed = template.indexOf(end, OPENING.lastIndex);
    // Jinja refuses what is not closed.
    if (closed < 0) break;
    if (open[0] === '{#') {
      OPENING.lastIndex = closed + 2;
      continue;
    }
    const block = readBlock(template, OPENING.lastIndex, end, left);
    if (block === undefined) return undefined;
    left -= block.tokens.length;
    OPENING.lastIndex = block.end;
    blocks.push(block);
  }
  return blocks;
}

function readBlock(template: string, start: number, end: string, most: number): (Block & { end: number }) | undefined {
  const tokens: Token[] = [];
  const closing = new Map<number, number>();
  const open: number[] = [];
  TOKEN.lastIndex = start + (/[-+]/.test(template[start] ?? '') ? 1 : 0);
  for (;;) {
    const at = TOKEN.lastIndex;
    if (open.length === 0 && template.startsWith(end, at)) return { tokens: trimmed(tokens), closing, end: at + 2 };
    const found = TOKEN.exec(template);
    if (found === null) return { tokens, closing, end: template.length };
    const token = tokenOf(found);
    if (token === undefined) continue;
    if (tokens.length >= most || open.length > MAX_NESTED) return undefined;
    if (token.type === 'sign' && CLOSING[token.value] !== undefined) open.push(tokens.length);
    const opened = open.at(-1);
    const awaited = opened === undefined ? undefined : CLOSING[tokens[opened]?.value ?? ''];
    if (opened !== undefined && token.type === 'sign' && token.value === awaited) {
      closing.set(opened, tokens.length);
      open.pop();
    }
    tokens.push(token);
  }
}

/** Without the sign that cuts or keeps white space. */
function trimmed(tokens: readonly Token[]): readonly Token[] {
  return isSign(tokens.at(-1), '-+') ? tokens.slice(0, -1) : tokens;
}

function tokenOf([, single, double, name, number, sign]: RegExpExecArray): Token | undefined {
  const text = single ?? double;
  if (text !== undefined) return { type: 'text', value: text };
  if (name !== undefined) return { type: 'name', value: name };
  if (number !== undefined) return { type: 'number', value: number };
  return sign === undefined ? undefined : { type: 'sign', value: sign };
}

export function isSign(token: Token | undefined, signs: string): boolean {
  return token?.type === 'sign' && signs.includes(token.value);
}
