import { RefusedError } from '../errors.ts';
import { applyBuild, callValue, instantiate, resolveGlobal, resolvePersistentId } from './calls.ts';
import { addItems, appendTo, refuseGuarded, setItems } from './containers.ts';
import { encodingOf, encodingOfLine, TEXT_HEAD } from './encoded.ts';
import { beginsLikePickle, OP } from './opcodes.ts';
import { decodeLatin1, decodeQuoted, decodeRawUnicodeEscape, decodeUtf8, MAX_NAME } from './operands.ts';
import type { PickleState } from './state.ts';
import { containerOf, intValue, OPAQUE_TEXT, SCALAR, tupleOf, type Value } from './values.ts';

type Handler = (machine: PickleState) => void;

/** The magic number that opens a legacy torch file, as the operand of LONG1. */
export const TORCH_MAGIC: Value = { kind: 'object', type: 'torch magic number', shape: 'plain' };
const MAX_STAGES = 4;
const TORCH_MAGIC_HEX = '6cfc9c46f9206aa85019';

const malformed = (m: PickleState, text: string) => new RefusedError('pickle.malformed', text, m.at);

/** Pushes a text of the next `length` bytes; only what could be a name is read. */
function pushText(m: PickleState, length: number, decode: (bytes: Uint8Array) => string | undefined): void {
  const { cursor } = m;
  const { offset } = cursor;
  exploreIfEncoded(m, offset, length);
  if (length <= MAX_NAME) {
    if (length > cursor.left) throw cursor.truncated(length);
    m.stack.push(m.texts.keepAt(decode(cursor.bytes(length)), offset, length));
    return;
  }
  cursor.skip(length);
  m.stack.push({ kind: 'text', offset, length });
}

/** Stagers nest pickles; what may be no pickle at all is not looked into, and nothing deeper than this. */
function looksInside({ context, nesting }: PickleState): boolean {
  return !context.exploring || (nesting > 0 && nesting < MAX_STAGES && context.explored.left > 0);
}

/** A text that spells a pickle is followed as one: nothing but a stager stores code so. */
function exploreIfEncoded(m: PickleState, offset: number, length: number): void {
  const encoding = looksInside(m) ? encodingOf(m.cursor.peek(Math.min(length, TEXT_HEAD)), length) : undefined;
  if (encoding !== undefined && length <= m.cursor.left) m.defer(() => m.exploreEncoded(offset, length, encoding));
}

function pushBytes(m: PickleState, length: number): void {
  const offset = m.cursor.offset;
  exploreIfEncoded(m, offset, length);
  const mayBePickle = length >= 4 && looksInside(m) && beginsLikePickle(m.cursor.peek(2));
  m.cursor.skip(length);
  m.stack.push({ kind: 'bytes', offset, length });
  if (mayBePickle) m.defer(() => m.exploreNested(offset));
}

function skipSigned(m: PickleState, length: number, value: Value): void {
  if (length < 0) throw malformed(m, 'a negative length');
  m.cursor.skip(length);
  m.stack.push(value);
}

/** An operand that ends with its line; one too long for the window is passed over and left unknown. */
function pushLine(m: PickleState, parse: (line: Uint8Array) => Value, tooLong: Value): void {
  const { offset } = m.cursor;
  const line = m.cursor.line();
  if (line !== undefined) {
    const quoted = line[0] === 0x27 || line[0] === 0x22 ? 1 : 0;
    const text = line.subarray(quoted, line.length - quoted);
    const encoding = looksInside(m) ? encodingOfLine(text) : undefined;
    if (encoding !== undefined) m.defer(() => m.exploreEncoded(offset + quoted, text.length, encoding));
    m.stack.push(parse(line));
    return;
  }
  m.defer(async () => {
    await m.cursor.skipLine();
    m.stack.push(tooLong);
  });
}

function nameLine(m: PickleState): string {
  const line = m.cursor.line();
  if (line === undefined || line.length > 4096) throw malformed(m, 'a name without end');
  return decodeUtf8(line) ?? '\uFFFD';
}

function parseInt10(line: Uint8Array): Value {
  const text = decodeLatin1(line);
  if (!/^-?[0-9]{1,15}L?$/.test(text)) return SCALAR;
  return intValue(Number.parseInt(text, 10));
}

function memoIndex(m: PickleState): number {
  const text = decodeLatin1(m.cursor.line() ?? new Uint8Array(0));
  if (!/^[0-9]{1,15}$/.test(text)) throw malformed(m, 'a memo index that is no number');
  return Number(text);
}

function long1(m: PickleState): void {
  const length = m.cursor.u8();
  if (length > m.cursor.left) throw m.cursor.truncated(length);
  const bytes = m.cursor.bytes(length);
  if (length <= 6) {
    // Two's complement, little endian; zero bytes are zero.
    const negative = ((bytes.at(-1) ?? 0) & 0x80) !== 0;
    const unsigned = bytes.reduceRight((value, byte) => value * 256 + byte, 0);
    m.stack.push(intValue(negative ? unsigned - 256 ** length : unsigned));
  } else m.stack.push(Buffer.from(bytes).toString('hex') === TORCH_MAGIC_HEX ? TORCH_MAGIC : SCALAR);
}

function stackGlobal(m: PickleState): void {
  const name = m.stack.pop();
  const module = m.stack.pop();
  if (module.kind !== 'text' || name.kind !== 'text' || module.text === undefined || name.text === undefined) {
    const couldBeTexts = [module, name].every(({ kind }) => kind === 'text' || kind === 'object' || kind === 'bytes');
    if (m.context.exploring && !couldBeTexts) throw malformed(m, 'imports a name that is no text');
    m.report('pickle.hidden-import', 'imports a name that is not written literally');
    m.stack.push({ kind: 'global', module: '?', name: '?', role: undefined });
    return;
  }
  m.stack.push(resolveGlobal(m, module.text, name.text));
}

function extension(m: PickleState, code: number): void {
  m.report('pickle.extension', `imports whatever extension code ${code} stands for in the loading process`);
  m.stack.push({ kind: 'global', module: 'copyreg', name: `extension ${code}`, role: undefined });
}

function proto(m: PickleState): void {
  const version = m.cursor.u8();
  if (version > 5) throw malformed(m, `protocol ${version}`);
}

function frame(m: PickleState): void {
  const length = m.cursor.u64();
  if (length > m.cursor.left) throw m.cursor.truncated(length);
  m.openFrame(length);
}

function dict(m: PickleState): void {
  const items = m.stack.popToMark();
  const target = containerOf('dict');
  setItems(m, target, items);
  m.stack.push(target);
}

function list(m: PickleState): void {
  const target = containerOf('list');
  appendTo(m, target, m.stack.popToMark());
  m.stack.push(target);
}

function frozenset(m: PickleState): void {
  const target = containerOf('set');
  addItems(m, target, m.stack.popToMark());
  m.stack.push(target);
}

/** A tuple may become the arguments of a call: what must not be handed on is refused as it goes in. */
function pushTuple(m: PickleState, items: readonly Value[]): void {
  for (const item of items) refuseGuarded(m, item);
  m.stack.push(tupleOf(items));
}

function tuple(m: PickleState, count: number): void {
  const items: Value[] = [];
  for (let index = 0; index < count; index += 1) items.unshift(m.stack.pop());
  pushTuple(m, items);
}

function build(m: PickleState): void {
  const state = m.stack.pop();
  applyBuild(m, m.stack.top(), state);
}

function setItem(m: PickleState): void {
  const value = m.stack.pop();
  const key = m.stack.pop();
  setItems(m, m.stack.top(), [key, value]);
}

function obj(m: PickleState): void {
  const [callee, ...args] = m.stack.popToMark();
  if (callee === undefined) throw malformed(m, 'OBJ without a class');
  m.stack.push(args.length > 0 ? callValue(m, callee, tupleOf(args)) : instantiate(m, callee, tupleOf([])));
}

function inst(m: PickleState): void {
  const module = nameLine(m);
  const name = nameLine(m);
  const args = m.stack.popToMark();
  const callee = resolveGlobal(m, module, name);
  m.stack.push(args.length > 0 ? callValue(m, callee, tupleOf(args)) : instantiate(m, callee, tupleOf([])));
}

function reduce(m: PickleState): void {
  const args = m.stack.pop();
  m.stack.push(callValue(m, m.stack.pop(), args));
}

function newObjEx(m: PickleState): void {
  const keywords = m.stack.pop();
  const args = m.stack.pop();
  if (keywords.kind !== 'dict') throw malformed(m, 'NEWOBJ_EX without keyword arguments');
  m.stack.push(instantiate(m, m.stack.pop(), args));
}

const TABLE: Readonly<Record<number, Handler>> = {
  [OP.MARK]: (m) => m.stack.mark(),
  [OP.STOP]: (m) => m.stop(m.stack.pop()),
  [OP.POP]: (m) => m.stack.popAny(),
  [OP.POP_MARK]: (m) => void m.stack.popToMark(),
  [OP.DUP]: (m) => m.stack.push(m.stack.top()),
  [OP.NONE]: (m) => m.stack.push(SCALAR),
  [OP.NEWTRUE]: (m) => m.stack.push(intValue(1)),
  [OP.NEWFALSE]: (m) => m.stack.push(intValue(0)),
  [OP.FLOAT]: (m) => pushLine(m, () => SCALAR, SCALAR),
  [OP.BINFLOAT]: (m) => skipSigned(m, 8, SCALAR),
  [OP.INT]: (m) => pushLine(m, parseInt10, SCALAR),
  [OP.LONG]: (m) => pushLine(m, parseInt10, SCALAR),
  [OP.BININT]: (m) => m.stack.push(intValue(m.cursor.i32())),
  [OP.BININT1]: (m) => m.stack.push(intValue(m.cursor.u8())),
  [OP.BININT2]: (m) => m.stack.push(intValue(m.cursor.u16())),
  [OP.LONG1]: long1,
  [OP.LONG4]: (m) => skipSigned(m, m.cursor.i32(), SCALAR),
  [OP.STRING]: (m) => pushLine(m, (line) => m.texts.keep(decodeQuoted(line)), OPAQUE_TEXT),
  [OP.BINSTRING]: (m) => pushText(m, m.cursor.u32(), decodeUtf8),
  [OP.SHORT_BINSTRING]: (m) => pushText(m, m.cursor.u8(), decodeUtf8),
  [OP.UNICODE]: (m) => pushLine(m, (line) => m.texts.keep(decodeRawUnicodeEscape(line)), OPAQUE_TEXT),
  [OP.BINUNICODE]: (m) => pushText(m, m.cursor.u32(), decodeUtf8),
  [OP.SHORT_BINUNICODE]: (m) => pushText(m, m.cursor.u8(), decodeUtf8),
  [OP.BINUNICODE8]: (m) => pushText(m, m.cursor.u64(), decodeUtf8),
  [OP.BINBYTES]: (m) => pushBytes(m, m.cursor.u32()),
  [OP.SHORT_BINBYTES]: (m) => pushBytes(m, m.cursor.u8()),
  [OP.BINBYTES8]: (m) => pushBytes(m, m.cursor.u64()),
  [OP.BYTEARRAY8]: (m) => pushBytes(m, m.cursor.u64()),
  [OP.NEXT_BUFFER]: (m) => {
    throw malformed(m, 'needs a buffer from outside of the stream');
  },
  [OP.READONLY_BUFFER]: (m) => {
    throw malformed(m, 'needs a buffer from outside of the stream');
  },
  [OP.EMPTY_LIST]: (m) => m.stack.push(containerOf('list')),
  [OP.EMPTY_DICT]: (m) => m.stack.push(containerOf('dict')),
  [OP.EMPTY_SET]: (m) => m.stack.push(containerOf('set')),
  [OP.EMPTY_TUPLE]: (m) => m.stack.push(tupleOf([])),
  [OP.TUPLE1]: (m) => tuple(m, 1),
  [OP.TUPLE2]: (m) => tuple(m, 2),
  [OP.TUPLE3]: (m) => tuple(m, 3),
  [OP.TUPLE]: (m) => pushTuple(m, m.stack.popToMark()),
  [OP.LIST]: list,
  [OP.DICT]: dict,
  [OP.FROZENSET]: frozenset,
  [OP.APPEND]: (m) => {
    const item = m.stack.pop();
    appendTo(m, m.stack.top(), [item]);
  },
  [OP.APPENDS]: (m) => {
    const items = m.stack.popToMark();
    appendTo(m, m.stack.top(), items);
  },
  [OP.ADDITEMS]: (m) => {
    const items = m.stack.popToMark();
    addItems(m, m.stack.top(), items);
  },
  [OP.SETITEM]: setItem,
  [OP.SETITEMS]: (m) => {
    const items = m.stack.popToMark();
    setItems(m, m.stack.top(), items);
  },
  [OP.GET]: (m) => m.stack.push(m.stack.recall(memoIndex(m))),
  [OP.BINGET]: (m) => m.stack.push(m.stack.recall(m.cursor.u8())),
  [OP.LONG_BINGET]: (m) => m.stack.push(m.stack.recall(m.cursor.u32())),
  [OP.PUT]: (m) => m.stack.remember(memoIndex(m), m.stack.top()),
  [OP.BINPUT]: (m) => m.stack.remember(m.cursor.u8(), m.stack.top()),
  [OP.LONG_BINPUT]: (m) => m.stack.remember(m.cursor.u32(), m.stack.top()),
  [OP.MEMOIZE]: (m) => m.stack.memoize(),
  [OP.PROTO]: proto,
  [OP.FRAME]: frame,
  [OP.GLOBAL]: (m) => {
    const module = nameLine(m);
    m.stack.push(resolveGlobal(m, module, nameLine(m)));
  },
  [OP.STACK_GLOBAL]: stackGlobal,
  [OP.EXT1]: (m) => extension(m, m.cursor.u8()),
  [OP.EXT2]: (m) => extension(m, m.cursor.u16()),
  [OP.EXT4]: (m) => extension(m, m.cursor.i32()),
  [OP.PERSID]: (m) => m.stack.push(resolvePersistentId(m, m.texts.keep(nameLine(m)))),
  [OP.BINPERSID]: (m) => m.stack.push(resolvePersistentId(m, m.stack.pop())),
  [OP.INST]: inst,
  [OP.OBJ]: obj,
  [OP.REDUCE]: reduce,
  [OP.NEWOBJ]: (m) => {
    const args = m.stack.pop();
    m.stack.push(instantiate(m, m.stack.pop(), args));
  },
  [OP.NEWOBJ_EX]: newObjEx,
  [OP.BUILD]: build,
};

/** By opcode; absent where Python has none. */
export const HANDLERS: readonly (Handler | undefined)[] = Array.from({ length: 256 }, (_, opcode) => TABLE[opcode]);
