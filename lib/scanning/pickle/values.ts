/**
 * What the pickle machine knows of a value. It follows types and the few facts on which a judgement depends, never
 * contents: a list of a million numbers is one `list` of weight a million.
 */
export type Value =
  | { readonly kind: 'scalar' }
  | { readonly kind: 'int'; readonly value: number }
  | TextValue
  | BytesValue
  | TupleValue
  | ContainerValue
  | GlobalValue
  | ObjectValue
  | StorageValue
  | TensorValue
  | NumpyDtypeValue;

export interface TextValue {
  readonly kind: 'text';
  /** Absent where the text is too long to be a name, or was not written literally. */
  readonly text?: string;
  /** Where its UTF-8 bytes lie in the stream. */
  readonly offset?: number;
  readonly length?: number;
}

export interface BytesValue {
  readonly kind: 'bytes';
  /** Where they lie in the stream; absent where they were computed. */
  readonly offset?: number;
  readonly length?: number;
  /** The bytes are the Latin-1 encoding of the UTF-8 text that lies there: how protocols 0 to 2 write bytes. */
  readonly encoded?: boolean;
}

export interface TupleValue {
  readonly kind: 'tuple';
  /** The items were dropped to bound memory: nothing can be judged that depends on them. */
  readonly lost?: true;
  readonly items: readonly Value[];
  readonly weight: number;
}

export interface ContainerValue {
  readonly kind: 'list' | 'dict' | 'set';
  /** Values inside as a repr would write them, shared ones once per place: what a bomb makes large. */
  weight: number;
  /** Entries with a literal key, the first few. */
  entries?: Map<string, Value>;
  /** A key that would redirect how Python treats an object whose state this becomes. */
  special?: string;
}

/** A name that was imported. */
export interface GlobalValue {
  readonly kind: 'global';
  readonly module: string;
  readonly name: string;
  readonly role: Role | undefined;
}

/** An instance, or the result of a call. */
export interface ObjectValue {
  readonly kind: 'object';
  readonly type: string;
  readonly shape: 'plain' | 'mapping' | 'sequence' | 'set';
  /** As of containers: a key of a mapping that would redirect Python where the mapping becomes a state. */
  special?: string;
  /** A function that was handed to it: what the object does once it is called. */
  callee?: Value;
}

export interface StorageValue {
  readonly kind: 'storage';
  readonly key: string;
  readonly dtype: string;
  readonly elements: number;
  readonly bytes: number;
}

export interface TensorValue {
  readonly kind: 'tensor';
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface NumpyDtypeValue {
  readonly kind: 'numpy-dtype';
  readonly name: string;
  /** Bytes of one element; 0 where the spelling does not tell. Changed by the state that follows the spelling. */
  itemBytes: number;
  hasObjects: boolean;
  /** Whether `itemBytes` is to be believed. */
  known: boolean;
}

/**
 * What an allow-listed name may be used for: `value` only stands somewhere (a dtype, an activation function), `class` is
 * instantiated without arguments and given a state, `part` the same but never by a call, `call` is called with arguments, `both` is `class` and `call`.
 * `guarded` is called only at once and with arguments that calls.ts judges: handed on as a value it could be called with others.
 */
export type Role = 'value' | 'class' | 'part' | 'call' | 'both' | 'guarded';

export const SCALAR: Value = { kind: 'scalar' };
export const OPAQUE_TEXT: TextValue = { kind: 'text' };

const SLIM_TUPLE: Value = { kind: 'tuple', items: [], weight: 1, lost: true };

/** What a memo of millions keeps of a value: enough to use it as data, too little to call with it. */
export function slim(value: Value): Value {
  if (value.kind === 'tuple') return value.items.length === 0 ? value : SLIM_TUPLE;
  if (value.kind === 'int') return SCALAR;
  // Numbered keys of data; a module or class of such a name would have been imported long before.
  if (value.kind === 'text' && value.text !== undefined && /[0-9]/.test(value.text)) return OPAQUE_TEXT;
  return value;
}

const SMALL_INTS: readonly Value[] = Array.from({ length: 1024 }, (_, value) => ({ kind: 'int', value }));

export function intValue(value: number): Value {
  return SMALL_INTS[value] ?? { kind: 'int', value };
}

/** Weights saturate far above every limit and far below where doubles lose integers. */
const MAX_WEIGHT = 1e15;

export function weightOf(value: Value): number {
  return 'weight' in value ? value.weight : 1;
}

export function addWeight(a: number, b: number): number {
  return Math.min(MAX_WEIGHT, a + b);
}

export function tupleOf(items: readonly Value[]): TupleValue {
  let weight = 1;
  for (const item of items) weight = addWeight(weight, weightOf(item));
  return { kind: 'tuple', items, weight };
}

export function containerOf(kind: 'list' | 'dict' | 'set'): ContainerValue {
  return { kind, weight: 1 };
}
