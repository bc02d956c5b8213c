import { type Block, blocksOf, isSign, type Token } from './tokens.ts';

/** `text`: known to the template's author and with what special names are made of; `assembled`: cut or joined from such. */
type Origin = 'text' | 'assembled';

interface Names {
  readonly origins: Map<string, Origin>;
  /** Parameters of the template's own macros. */
  readonly macros: Map<string, readonly string[]>;
  /** Variables whose attributes the template sets. */
  readonly spaces: Set<string>;
}

const KEYWORDS = new Set(['in', 'not', 'and', 'or', 'if', 'else', 'is', 'set', 'for', 'elif', 'with', 'do', 'print']);
/** Objects of the interpreter that no message has. */
const INTERPRETER =
  /^(?:(?:gi|cr|ag)_(?:frame|code|yieldfrom|await)|f_(?:builtins|globals|locals|back|code)|tb_(?:frame|next)|(?:func|im)_(?:globals|code|defaults|func|class)|co_(?:code|consts|names)|mro|popen|check_output)$/;
const RUNNERS = /^(?:eval|exec|open|getattr|popen|compile|globals|locals|vars|import_module|__import__)$/;
const MODULES = /^(?:os|sys|subprocess|builtins|importlib|posix|nt|shutil|socket)$/;
const BY_ATTRIBUTE = /^(?:map|selectattr|rejectattr|groupby|sort|sum|min|max|unique|join|attr)$/;
const MAX_PASSES = 16;
/** Tokens of one argument. */
const MAX_ARGUMENT = 1_000;
const BEYOND = 'is longer or deeper than any template of a model';

/**
 * What reaches for a name that the template does not write but makes: from characters of texts, by `~`, by filters. Messages are read
 * by written names, by numbers and by keys of their own.
 */
export function findAssembledName(template: string): string | undefined {
  const blocks = blocksOf(template);
  if (blocks === undefined) return BEYOND;
  const names: Names = { origins: new Map(), macros: new Map(), spaces: new Set() };
  for (const { tokens } of blocks) collectMacro(tokens, names);
  let settled = false;
  for (let pass = 0; pass < MAX_PASSES && !settled; pass += 1) {
    const before = [...names.origins.values()].join();
    for (const block of blocks) collectNames(block, names);
    settled = [...names.origins.values()].join() === before;
  }
  if (!settled) return BEYOND;
  for (const block of blocks) {
    const found = findInBlock(block, names);
    if (found !== undefined) return found;
  }
  return undefined;
}

function collectMacro(tokens: readonly Token[], { macros }: Names): void {
  const first = tokens.findIndex(isName);
  const name = tokens[first + 1];
  if (tokens[first]?.value !== 'macro' || name === undefined) return;
  const parameters = tokens.filter(
    (token, index) => index > first + 1 && isName(token) && !isSign(tokens[index - 1], '='),
  );
  macros.set(
    name.value,
    parameters.map(({ value }) => value),
  );
}

const isName = ({ type }: Token): boolean => type === 'name';

/** `set a = …`, `for a in …`, `with a = …`, arguments by name, and arguments of the template's own macros. */
function collectNames({ tokens, closing }: Block, names: Names): void {
  const first = tokens.findIndex(isName);
  const keyword = tokens[first]?.value;
  const mark = (targets: readonly Token[], origin: Origin | undefined) => {
    if (origin === undefined) return;
    for (const [index, { value, type }] of targets.entries()) {
      // Of `ns.name` only the attribute.
      if (type !== 'name' || isSign(targets[index + 1], '.')) continue;
      if (names.origins.get(value) !== 'assembled') names.origins.set(value, origin);
    }
  };
  const equals = tokens.findIndex((token) => isSign(token, '='));
  if (keyword === 'set' && equals === -1) mark(tokens.slice(first + 1), 'assembled');
  else if (keyword === 'set') {
    const [target] = tokens.slice(first + 1, equals);
    if (isNamespace(tokens.slice(equals + 1)) && target !== undefined) names.spaces.add(target.value);
    else mark(tokens.slice(first + 1, equals), originOf(tokens.slice(equals + 1), names));
  }
  if (keyword === 'for') {
    const inside = tokens.findIndex(({ value }) => value === 'in');
    const rest = tokens.slice(inside + 1);
    const filter = rest.findIndex(({ value, type }) => type === 'name' && value === 'if');
    mark(tokens.slice(first + 1, inside), originOf(filter < 0 ? rest : rest.slice(0, filter), names));
  }
  for (const [index, token] of tokens.entries()) {
    const named = tokens[index - 1];
    if (isSign(token, '=') && named !== undefined && (keyword !== 'set' || index !== equals)) {
      mark([named], originOf(argumentAt(tokens, closing, index + 1), names));
    }
    const parameters = isSign(token, '(') ? names.macros.get(named?.value ?? '') : undefined;
    if (parameters === undefined || keyword === 'macro') continue;
    let start = index + 1;
    for (const value of parameters) {
      const argument = argumentAt(tokens, closing, start);
      if (!isSign(argument[1], '=')) mark([{ type: 'name', value }], originOf(argument, names));
      start += argument.length + 1;
    }
  }
}

/** Its attributes are followed one by one. */
function isNamespace([name, open, key, equals]: readonly Token[]): boolean {
  return name?.value === 'namespace' && isSign(open, '(') && (isSign(key, ')') || isSign(equals, '='));
}

/** The tokens up to the next comma or closing bracket of this depth. */
function argumentAt(tokens: readonly Token[], closing: Block['closing'], start: number): readonly Token[] {
  let end = start;
  const most = Math.min(tokens.length, start + MAX_ARGUMENT);
  while (end < most && !isSign(tokens[end], ',)]}')) end = (closing.get(end) ?? end) + 1;
  return tokens.slice(start, end);
}

function originOf(tokens: readonly Token[], names: Names): Origin | undefined {
  if (tokens.length >= MAX_ARGUMENT) return 'assembled';
  if (isCount(tokens)) return undefined;
  let known = false;
  let changed = false;
  for (const [index, token] of tokens.entries()) {
    const [before, after] = [tokens[index - 1], tokens[index + 1]];
    if (isEquality(before) || isEquality(after) || after?.value === 'in' || before?.value === 'in') continue;
    if (token.type === 'text' && !isKey(tokens, index) && !isRemoved(tokens, index)) {
      if (/[_%{\\]/.test(token.value)) known = true;
      if (after?.type === 'text') changed = true;
    }
    if (token.type === 'name') {
      const ofSpace = !isSign(before, '.') || names.spaces.has(tokens[index - 2]?.value ?? '');
      const origin = ofSpace ? names.origins.get(token.value) : undefined;
      if (origin === 'assembled') return origin;
      if (origin === 'text') known = true;
      if (token.value === 'string' && isSign(before, '|')) known = changed = true;
      if (names.macros.has(token.value) && isSign(after, '(')) return 'assembled';
      // A dictionary of written keys: as good as a text of them.
      if (token.value === 'dict' && isSign(after, '(')) known = changed = true;
    }
    if (isSign(token, '~+*%|(') || (isSign(token, '[') && endsValue(before) && !isKey(tokens, index + 1)))
      changed = true;
  }
  if (!known) return undefined;
  return changed ? 'assembled' : 'text';
}

/** `message['role']` */
function isKey(tokens: readonly Token[], index: number): boolean {
  const isWritten = tokens[index]?.type === 'text' && isSign(tokens[index + 1], ']');
  return isWritten && isSign(tokens[index - 1], '[') && endsValue(tokens[index - 2]);
}

const REMOVING =
  /^(?:r?split|[lr]?strip|trim|r?partition|startswith|endswith|r?find|r?index|count|remove(?:prefix|suffix)|get)$/;

/** The first argument of what only cuts another value: no part of what comes out. */
function isRemoved(tokens: readonly Token[], index: number): boolean {
  const cuts = isSign(tokens[index - 1], '(') && REMOVING.test(tokens[index - 2]?.value ?? '');
  return cuts && isSign(tokens[index - 3], '.|');
}

const isEquality = (token: Token | undefined): boolean => token?.value === '==' || token?.value === '!=';

function endsValue(token: Token | undefined): boolean {
  if (token === undefined || token.type === 'number') return false;
  if (token.type === 'name') return !KEYWORDS.has(token.value);
  return token.type === 'text' || isSign(token, ')]}');
}

function findInBlock({ tokens, closing }: Block, names: Names): string | undefined {
  for (const [index, token] of tokens.entries()) {
    const [before, after] = [tokens[index - 1], tokens[index + 1]];
    const found =
      token.type === 'text'
        ? judgeText(tokens, index)
        : token.type === 'name'
          ? judgeName(token.value, before, after, names)
          : undefined;
    if (found !== undefined) return found;
    if (isSign(token, '[') && endsValue(before)) {
      const key = tokens.slice(index + 1, closing.get(index));
      if (!isSlice(key) && originOf(key, names) === 'assembled')
        return 'reads an attribute by a name that it assembles';
    }
    if (isSign(token, '(') && BY_ATTRIBUTE.test(before?.value ?? '') && isSign(tokens[index - 2], '|')) {
      const most = tokens.slice(index + 1, closing.get(index));
      if (before?.value !== 'join' && originOf(most, names) === 'assembled')
        return 'reads an attribute by a name that it assembles';
      if (before?.value === 'map' && after?.value === 'attr') return 'reads an attribute by a computed name';
    }
  }
  return undefined;
}

function judgeText(tokens: readonly Token[], index: number): string | undefined {
  const value = tokens[index]?.value ?? '';
  if (value.startsWith('__') || (value.startsWith('_') && isKey(tokens, index))) {
    return 'writes a name that begins with an underscore';
  }
  if (value.split('.').some((name) => INTERPRETER.test(name))) return 'reaches for the interpreter';
  const formats = isSign(tokens[index + 1], '.') && /^format(?:_map)?$/.test(tokens[index + 2]?.value ?? '');
  return formats && /\{[^}]*[.[]/.test(value) ? 'reads attributes by a format' : undefined;
}

function judgeName(
  name: string,
  before: Token | undefined,
  after: Token | undefined,
  { origins, macros }: Names,
): string | undefined {
  const isRoot = !isSign(before, '.|') && !origins.has(name) && !macros.has(name);
  if (INTERPRETER.test(name) && isSign(before, '.')) return 'reaches for the interpreter';
  if (name.startsWith('__') || (isSign(before, '.') && name.startsWith('_'))) return 'reaches for a special attribute';
  if (isRoot && RUNNERS.test(name) && isSign(after, '(')) return `calls ${name}`;
  if (isRoot && MODULES.test(name) && isSign(after, '.[')) return `reaches for the module ${name}`;
  if (name === 'self' && isRoot && isSign(after, '[|')) return 'inspects the template itself';
  return name === 'debug' && before === undefined && after === undefined ? 'shows the context' : undefined;
}

/** Parts of a text or a list, not an attribute. */
const isSlice = (key: readonly Token[]): boolean => key.some((token) => isSign(token, ':'));

/** `… | length - 1`, `range(…)`, or a difference, which texts do not have. */
function isCount(key: readonly Token[]): boolean {
  const outer = outermost(key);
  if (key[0]?.value === 'range' && isSign(key[1], '(') && outer.length === 1) return true;
  if (outer.some((token) => isSign(token, '~,') || KEYWORDS.has(token.value))) return false;
  const pipe = outer.findLastIndex((token) => isSign(token, '|'));
  if (pipe < 0) return outer.some((token, index) => index > 0 && isSign(token, '-'));
  const [filter, ...rest] = outer.slice(pipe + 1);
  const counts = /^(?:length|count|int)$/.test(filter?.value ?? '');
  return counts && rest.every((token) => token.type === 'number' || isSign(token, '+-'));
}

/** What no brackets hold. */
function outermost(tokens: readonly Token[]): readonly Token[] {
  let depth = 0;
  return tokens.filter((token) => {
    const inside = depth;
    if (isSign(token, '([{')) depth += 1;
    if (isSign(token, ')]}')) depth -= 1;
    return inside === 0 && depth === 0;
  });
}
