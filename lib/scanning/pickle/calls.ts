import { RefusedError } from '../errors.ts';
import { allowedRole, isDangerous, modernModule } from './allowList.ts';
import { refuseGuarded } from './containers.ts';
import { skipJoblibArray } from './joblib.ts';
import { applyDtypeState } from './numpyState.ts';
import { judgeCallee, KNOWN_CALLS } from './knownCalls.ts';
import type { PickleState } from './state.ts';
import { type GlobalValue, type ObjectValue, SCALAR, type Value } from './values.ts';

const MAPPINGS =
  /(?:OrderedDict|defaultdict|Counter|ChainMap|UserDict|AttributeDict|Bunch|DictConfig|ModuleDict|DeprecationDict|_DictWithDeprecatedKeys|FrozenDict)$/;
const SEQUENCES = /(?:deque|UserList|ListConfig)$/;
const ARRAY_WRAPPER = /(?:^|\.)joblib\.numpy_pickle\.NumpyArrayWrapper$/;
const IDENTIFIER = /^[\p{L}_][\p{L}\p{N}_.]*$/u;

export function instanceOf(type: string): ObjectValue {
  const shape = MAPPINGS.test(type) ? 'mapping' : SEQUENCES.test(type) ? 'sequence' : 'plain';
  return { kind: 'object', type, shape };
}

/** GLOBAL, STACK_GLOBAL and INST: importing a module runs it, so an unlisted name is a finding before any call. */
export function resolveGlobal(m: PickleState, rawModule: string, name: string): GlobalValue {
  const module = modernModule(rawModule);
  if (m.context.torchScript && /^__torch__(?:\.|$)/.test(module)) return { kind: 'global', module, name, role: 'both' };
  const role = allowedRole(module, name);
  if (role === undefined) {
    if (m.context.exploring && !(IDENTIFIER.test(module.trim()) && IDENTIFIER.test(name.trim()))) {
      throw new RefusedError('pickle.malformed', 'a name that cannot be one', m.at);
    }
    m.report(isDangerous(module) ? 'pickle.dangerous-import' : 'pickle.unknown-import', `imports ${module}.${name}`);
  }
  return { kind: 'global', module, name, role };
}

/** REDUCE, and OBJ or INST with arguments. */
export function callValue(m: PickleState, callee: Value, args: Value): Value {
  if (args.kind !== 'tuple') throw new RefusedError('pickle.malformed', 'a call without a tuple of arguments', m.at);
  if (callee.kind !== 'global') {
    if (m.context.exploring && !mayBeCallable(callee)) {
      throw new RefusedError('pickle.malformed', 'calls what cannot be called', m.at);
    }
    m.report('pickle.computed-call', 'calls what an earlier step made');
    return instanceOf('?');
  }
  if (args.lost === true)
    throw new RefusedError('file.too-large', 'a call with arguments from a memo of millions', m.at);
  for (const arg of args.items) refuseGuarded(m, arg);
  const name = `${callee.module}.${callee.name}`;
  if (callee.role === undefined) {
    const rule = isDangerous(callee.module) ? 'pickle.dangerous-call' : 'pickle.unknown-call';
    m.report(rule, `calls ${name}(${args.items.map(describe).join(', ')})`);
    return instanceOf(name);
  }
  // A class without arguments is made as NEWOBJ would make it.
  const onlyNamed =
    callee.role === 'value' || callee.role === 'part' || (callee.role === 'class' && args.items.length > 0);
  if (onlyNamed) m.report('pickle.unknown-call', `calls ${name}, which real files do not call`);
  const made = KNOWN_CALLS.get(`${callee.module} ${callee.name}`)?.(m, args.items) ?? instanceOf(name);
  // Its entries are not followed: one may stand under a special key.
  if (made.kind === 'object' && made.shape === 'mapping' && args.items.some(mayHoldEntries)) {
    made.special = 'a key from a call';
  }
  return made;
}

const mayHoldEntries = ({ kind }: Value): boolean => kind !== 'global' && kind !== 'scalar' && kind !== 'int';

/** Raw numbers that are followed as opcodes call any kind of value: only what Python could call counts there. */
function mayBeCallable(value: Value): boolean {
  return value.kind === 'object' && (value.type === '?' || /partial|ufunc|^torch\./.test(value.type));
}

/** NEWOBJ, NEWOBJ_EX, and OBJ or INST without arguments: `cls.__new__(cls, *args)`. */
export function instantiate(m: PickleState, callee: Value, args: Value): Value {
  if (args.kind !== 'tuple') throw new RefusedError('pickle.malformed', 'an object without a tuple of arguments', m.at);
  if (callee.kind !== 'global') {
    if (m.context.exploring) throw new RefusedError('pickle.malformed', 'makes an instance of what is no class', m.at);
    m.report('pickle.computed-call', 'makes an instance of what an earlier step made');
    return instanceOf('?');
  }
  for (const arg of args.items) refuseGuarded(m, arg);
  const name = `${callee.module}.${callee.name}`;
  if (callee.role === undefined) {
    const rule = isDangerous(callee.module) ? 'pickle.dangerous-call' : 'pickle.unknown-call';
    m.report(rule, `makes an instance of ${name}`);
  } else if (callee.role !== 'class' && callee.role !== 'part' && callee.role !== 'both') {
    m.report('pickle.unknown-call', `makes an instance of ${name}, which is not made so`);
  }
  return instanceOf(name);
}

/** BUILD: `__setstate__`, or an update of the object's `__dict__`. */
export function applyBuild(m: PickleState, target: Value, state: Value): void {
  refuseGuarded(m, state);
  if (state.kind === 'tuple' && state.lost === true) {
    throw new RefusedError('file.too-large', 'a state from a memo of millions', m.at);
  }
  for (const part of state.kind === 'tuple' ? state.items : [state]) {
    if ((part.kind === 'dict' || part.kind === 'object') && part.special !== undefined) {
      m.report('pickle.state', `a state replaces ${part.special} of an object`);
    }
  }
  if (target.kind === 'global') {
    m.report('pickle.state', `overwrites attributes of ${target.module}.${target.name} itself, for the whole process`);
    return;
  }
  const hasState = target.kind === 'object' || target.kind === 'tensor' || target.kind === 'numpy-dtype';
  if (!hasState) m.report('pickle.misuse', `gives a state to a ${target.kind}`);
  if (target.kind === 'object' && target.callee !== undefined) {
    target.callee = state.kind === 'tuple' ? state.items[0] : state;
    judgeCallee(m, target.callee);
  }
  if (target.kind === 'numpy-dtype') applyDtypeState(m, target, state);
  if (target.kind === 'object' && ARRAY_WRAPPER.test(target.type)) skipJoblibArray(m, state);
}

/** PERSID and BINPERSID: torch's loaders know tuples of a type name and a class, and nothing else. */
export function resolvePersistentId(m: PickleState, id: Value): Value {
  if (m.context.persistentIds === 'none') {
    m.report('pickle.persistent-id', 'holds a persistent id, which plain pickle cannot load');
    return SCALAR;
  }
  if (m.context.persistentIds === 'torch-tar') return instanceOf('tensor');
  if (id.kind !== 'tuple') throw new RefusedError('pickle.malformed', 'a persistent id that is no tuple', m.at);
  const [typeName, type, key, , elements] = id.items;
  const word = typeName?.kind === 'text' ? typeName.text : undefined;
  if (word === 'module') return type ?? SCALAR;
  if (word !== 'storage' || type?.kind !== 'global' || key?.kind !== 'text' || elements?.kind !== 'int') {
    throw new RefusedError('pickle.malformed', 'a persistent id of an unknown form', m.at);
  }
  return storage(m, type.name, key.text ?? '', elements.value);
}

const STORAGE_ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ['Double', 8],
  ['Float', 4],
  ['Half', 2],
  ['BFloat16', 2],
  ['Long', 8],
  ['Int', 4],
  ['Short', 2],
  ['Char', 1],
  ['Byte', 1],
  ['Bool', 1],
  ['ComplexFloat', 8],
  ['ComplexDouble', 16],
  ['QInt8', 1],
  ['QUInt8', 1],
  ['QInt32', 4],
  ['QUInt4x2', 1],
  ['QUInt2x4', 1],
  ['Untyped', 1],
]);

function storage(m: PickleState, className: string, key: string, elements: number): Value {
  const dtype = className.replace(/Storage$/, '');
  const width = STORAGE_ELEMENT_BYTES.get(dtype);
  if (width === undefined || elements < 0) {
    throw new RefusedError('pickle.malformed', `a storage of ${elements} × ${className}`, m.at);
  }
  m.context.onStorage(key, elements * width);
  return { kind: 'storage', key, dtype, elements, bytes: elements * width };
}

/** An argument as a person would want to read it in a reason. */
function describe(value: Value): string {
  if (value.kind === 'text' && value.text !== undefined) return JSON.stringify(value.text);
  if (value.kind === 'int') return String(value.value);
  if (value.kind === 'global') return `${value.module}.${value.name}`;
  if (value.kind === 'tuple') return `(${value.items.slice(0, 4).map(describe).join(', ')})`;
  return value.kind;
}
