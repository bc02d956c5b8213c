import { allowedRole } from './allowList.ts';
import type { PickleState } from './state.ts';
import { SCALAR, tupleOf, type Value } from './values.ts';
import { numpyDtype } from '../formats/numpyDtype.ts';

/** Answers what the call makes; undefined is a plain instance. Arguments that a real file never has are reported. */
type KnownCall = (m: PickleState, args: readonly Value[]) => Value | undefined;

const ENCODINGS = new Set(['latin1', 'latin-1', 'iso-8859-1', 'utf-8', 'utf8', 'ascii']);

/** Lengths from which a container or an array is made without any bytes for it in the file. */
const MAX_UNBACKED = 100_000_000;

function text(value: Value | undefined): string | undefined {
  return value?.kind === 'text' ? value.text : undefined;
}

function encode(m: PickleState, [source, encoding]: readonly Value[]): Value {
  const name = encoding === undefined ? 'utf-8' : text(encoding);
  if (name === undefined || !ENCODINGS.has(name))
    m.report('pickle.argument', `_codecs.encode with ${name ?? 'a computed encoding'}`);
  if (source?.kind !== 'text' || source.offset === undefined) return { kind: 'bytes' };
  return { kind: 'bytes', offset: source.offset, length: source.length ?? 0, encoded: true };
}

/** `bytes(n)` and `list(range(n))` take memory that the file does not have. */
function fromIterable(name: string): KnownCall {
  return (m, [source]) => {
    const large = source?.kind === 'int' && source.value > MAX_UNBACKED;
    const computed = source?.kind === 'object' && /^builtins\.x?range$/.test(source.type);
    if (large || computed) m.report('pickle.bomb', `${name} of a length that the file does not hold`);
    if (name === 'bytes' || name === 'bytearray') return { kind: 'bytes' };
    const shape = name === 'set' || name === 'frozenset' ? 'set' : name === 'dict' ? 'mapping' : 'sequence';
    return { kind: 'object', type: `builtins.${name}`, shape };
  };
}

/** A quotient as Python pickles it; an exponent would make a number of as many digits. */
function fraction(m: PickleState, args: readonly Value[]): undefined {
  const numbers = args.every(({ kind }) => kind === 'int' || kind === 'scalar');
  const quotient = args.length === 1 && /^-?[0-9]+(?:\/[0-9]+)?$/.test(text(args[0]) ?? '');
  if (!numbers && !quotient) m.report('pickle.argument', 'a fraction of what is no quotient');
}

function noRange(m: PickleState, args: readonly Value[]): undefined {
  fromIterable('sequence')(m, args.slice(-1));
}

function loadFromBytes(m: PickleState, [source]: readonly Value[]): Value {
  if (source?.kind === 'bytes' && source.offset !== undefined) m.context.onPayload(source);
  else m.report('pickle.payload', 'loads bytes that cannot be found in the stream');
  return { kind: 'object', type: 'torch.storage', shape: 'plain' };
}

/** Imports by itself: the name must be one that the stream could import. */
function ufuncReconstruct(m: PickleState, [module, name]: readonly Value[]): Value {
  const [from, what] = [text(module), text(name)];
  if (from === undefined || what === undefined || allowedRole(from, what) !== 'value') {
    m.report('pickle.argument', `_ufunc_reconstruct imports ${from ?? '?'}.${what ?? '?'}`);
  }
  return { kind: 'object', type: 'numpy.ufunc', shape: 'plain' };
}

/** Layers whose constructors only make layers: what models hand on to make more of them. */
const LAYERS = /^(?:builtins|collections|torch\.nn\.|torch\.ao\.|torch\.optim\.|torchvision\.ops\.|timm\.layers)/;

/** What a partial application would call one day, with arguments that the file chooses: functions, and classes of layers. */
export function judgeCallee(m: PickleState, callee: Value | undefined): void {
  const isClass = callee?.kind === 'global' && (callee.role === 'class' || callee.role === 'part');
  if (isClass && !LAYERS.test(callee.module)) {
    m.report('pickle.unknown-call', `hands on ${callee.module}.${callee.name} with arguments`);
  }
}

function partial(m: PickleState, [callee]: readonly Value[]): Value {
  judgeCallee(m, callee);
  if (callee?.kind !== 'global') m.report('pickle.argument', 'functools.partial of a computed function');
  return { kind: 'object', type: 'functools.partial', shape: 'plain', callee: callee ?? SCALAR };
}

/** `func(*args)`, then attributes: the tensor subclass path of torch. */
function rebuildFromType(m: PickleState, [callee, , args]: readonly Value[]): Value {
  const role = callee?.kind === 'global' ? callee.role : undefined;
  if (callee?.kind !== 'global' || (role !== 'call' && role !== 'both')) {
    m.report('pickle.argument', '_rebuild_from_type calls something that rebuilds no tensor');
    return { kind: 'object', type: 'tensor', shape: 'plain' };
  }
  const known = KNOWN_CALLS.get(`${callee.module} ${callee.name}`);
  const inner = args?.kind === 'tuple' ? known?.(m, args.items) : undefined;
  return inner ?? { kind: 'object', type: 'tensor', shape: 'plain' };
}

/** How Python 3 writes the types of None, Ellipsis and NotImplemented; with three arguments it would make a class. */
function typeOf(m: PickleState, args: readonly Value[]): Value {
  const [of] = args;
  const single = of?.kind === 'scalar' || (of?.kind === 'global' && /^(?:Ellipsis|NotImplemented)$/.test(of.name));
  if (args.length !== 1 || !single) m.report('pickle.argument', 'builtins.type of more than a single value');
  return SCALAR;
}

/** Annotations such as `typing.Union[int, None]`, as Python pickles them: of nothing else is an item taken. */
function typingItem(m: PickleState, [target]: readonly Value[]): Value {
  if (target?.kind !== 'global' || target.module !== 'typing') {
    m.report('pickle.argument', 'operator.getitem of what is no annotation');
  }
  return { kind: 'object', type: 'typing annotation', shape: 'plain' };
}

/** Attributes by argument would be planted as by a state; pickles give them as one. */
function noArguments(m: PickleState, args: readonly Value[]): undefined {
  if (args.length > 0) m.report('pickle.argument', 'a namespace of arguments');
}

/** The factory is called for missing keys, long after the load: containers and numbers of Python only. */
function defaultDict(m: PickleState, [factory]: readonly Value[]): undefined {
  if (factory !== undefined && factory.kind !== 'scalar' && !isContainer(factory)) {
    m.report('pickle.argument', 'defaultdict would call what makes no container');
  }
}

function isContainer(factory: Value): boolean {
  if (factory.kind === 'object') return factory.callee !== undefined && isContainer(factory.callee);
  return factory.kind === 'global' && /^(?:builtins|collections|decimal|torch)$/.test(factory.module);
}

/** Schedulers of torch keep methods of their own, which Python 3 pickles as `getattr(object, name)`. */
const OWN_METHODS = new Set([
  '_annealing_cos',
  '_annealing_linear',
  '_annealing_func',
  '_triangular_scale_fn',
  '_triangular2_scale_fn',
  '_exp_range_scale_fn',
]);

function getAttribute(m: PickleState, [target, name]: readonly Value[]): Value {
  const type =
    target?.kind === 'object' ? target.type : target?.kind === 'global' ? `${target.module}.${target.name}` : '?';
  const attribute = text(name) ?? '?';
  if (!type.startsWith('torch.optim.lr_scheduler.') || !OWN_METHODS.has(attribute)) {
    m.report('pickle.dangerous-call', `builtins.getattr reads ${attribute} of ${type}`);
  }
  return { kind: 'object', type: 'torch.optim.lr_scheduler method', shape: 'plain' };
}

function ints(value: Value | undefined): number[] | undefined {
  const items = value?.kind === 'tuple' ? value.items : undefined;
  const numbers = items?.flatMap((item) => (item.kind === 'int' ? [item.value] : []));
  return numbers !== undefined && numbers.length === items?.length ? numbers : undefined;
}

/** `(storage, storage_offset, size, stride, …)`: the last element that the strides reach must lie inside the storage. */
function rebuildTensor(m: PickleState, [storage, offset, size, stride]: readonly Value[]): Value | undefined {
  if (storage?.kind !== 'storage') return { kind: 'object', type: 'tensor', shape: 'plain' };
  const shape = ints(size?.kind === 'object' ? tupleOf([]) : size);
  const strides = ints(stride);
  const start = offset?.kind === 'int' ? offset.value : undefined;
  if (shape === undefined || strides === undefined || start === undefined || shape.length !== strides.length) {
    return { kind: 'object', type: 'tensor', shape: 'plain' };
  }
  const empty = shape.includes(0);
  const last = shape.reduce((end, length, axis) => end + (length - 1) * (strides[axis] ?? 0), start);
  const negative = [start, ...shape, ...strides].some((number) => number < 0);
  if (negative || (!empty && last >= storage.elements)) {
    m.report('pickle.tensor', `a tensor reaches element ${last} of a storage of ${storage.elements}`);
  }
  const elements = shape.reduce((product, length) => product * length, 1);
  const width = storage.elements === 0 ? 0 : storage.bytes / storage.elements;
  return { kind: 'tensor', dtype: storage.dtype, shape, bytes: elements * width };
}

function reconstructArray(m: PickleState, [, shape]: readonly Value[]): Value | undefined {
  const elements = ints(shape)?.reduce((product, length) => product * length, 1) ?? 0;
  if (elements > MAX_UNBACKED) m.report('pickle.bomb', `an empty array of ${elements} elements`);
  return undefined;
}

function firstArgument(_m: PickleState, [value]: readonly Value[]): Value {
  return value ?? SCALAR;
}

function reconstructor(m: PickleState, [type, base]: readonly Value[]): Value {
  const role = type?.kind === 'global' ? type.role : undefined;
  const name = type?.kind === 'global' ? `${type.module}.${type.name}` : '?';
  if (role !== 'class' && role !== 'part' && role !== 'both')
    m.report('pickle.unknown-call', `makes an instance of ${name}`);
  // `base.__new__(type, state)`, then `base.__init__(object, state)`.
  const made = base?.kind === 'global' ? base.role : undefined;
  if (made !== 'class' && made !== 'part' && made !== 'both')
    m.report('pickle.argument', `${name} is made by what is no class for it`);
  return { kind: 'object', type: name, shape: 'plain' };
}

/** Calls whose arguments or result matter, by module and name. */
export const KNOWN_CALLS: ReadonlyMap<string, KnownCall> = new Map<string, KnownCall>([
  ['_codecs encode', encode],
  ['torch.storage _load_from_bytes', loadFromBytes],
  ['numpy.core _ufunc_reconstruct', ufuncReconstruct],
  ['numpy._core _ufunc_reconstruct', ufuncReconstruct],
  ['functools partial', partial],
  ['builtins type', typeOf],
  ['builtins getattr', getAttribute],
  ['_operator getitem', typingItem],
  ['fractions Fraction', fraction],
  ['collections defaultdict', defaultDict],
  ['types SimpleNamespace', noArguments],
  ['argparse Namespace', noArguments],
  ['ultralytics.utils IterableSimpleNamespace', noArguments],
  ['array array', noRange],
  ['torch Size', noRange],
  ['torch._tensor _rebuild_from_type_v2', rebuildFromType],
  ['torch._tensor _rebuild_from_type', rebuildFromType],
  ['torch._utils _rebuild_tensor', rebuildTensor],
  ['torch._utils _rebuild_tensor_v2', rebuildTensor],
  ['torch._utils _rebuild_tensor_v3', rebuildTensor],
  ['torch._utils _rebuild_qtensor', rebuildTensor],
  ['torch._utils _rebuild_parameter', firstArgument],
  ['torch._utils _rebuild_parameter_with_state', firstArgument],
  ['numpy dtype', (_m, [spelling]) => numpyDtype(text(spelling))],
  ['numpy.core.multiarray _reconstruct', reconstructArray],
  ['numpy._core.multiarray _reconstruct', reconstructArray],
  ['copyreg _reconstructor', reconstructor],
  ...['bytes', 'bytearray', 'list', 'tuple', 'set', 'frozenset', 'dict'].map((name): [string, KnownCall] => [
    `builtins ${name}`,
    fromIterable(name),
  ]),
  ...['deque', 'Counter', 'OrderedDict', 'UserList'].map((name): [string, KnownCall] => [
    `collections ${name}`,
    (m, args) => {
      fromIterable(name)(m, args);
      return undefined;
    },
  ]),
]);
