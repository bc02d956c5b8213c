import type { PickleState } from './state.ts';
import { addWeight, type ContainerValue, type Value, weightOf } from './values.ts';

/** Enough for the state of every object on whose state a judgement depends. */
const MAX_ENTRIES = 64;
/** A structure that a repr would write this often larger than its opcodes is a bomb (billion laughs). */
const BOMB_WEIGHT = 10_000_000;
const BOMB_FACTOR = 100;

/** Keys that change how Python treats the object whose `__dict__` they enter. */
const SPECIAL_KEYS = new Set([
  '__class__',
  '__dict__',
  '__setstate__',
  '__reduce__',
  '__reduce_ex__',
  '__getattr__',
  '__getattribute__',
  '__call__',
  '__init__',
  '__new__',
  '__del__',
  '__getinitargs__',
  'append',
  'extend',
]);

export function setItems(m: PickleState, target: Value, items: readonly Value[]): void {
  const isMapping = target.kind === 'dict' || (target.kind === 'object' && target.shape === 'mapping');
  if (!isMapping) m.report('pickle.misuse', 'sets items of something that is no dictionary');
  for (let index = 0; index < items.length; index += 2) {
    const key = items[index];
    const value = items[index + 1];
    if (key === undefined || value === undefined) {
      m.report('pickle.misuse', 'an odd number of keys and values');
      return;
    }
    refuseGuarded(m, value);
    checkHash(m, key);
    if (key.kind === 'text' && key.text !== undefined) {
      if (value.kind === 'tensor') m.context.onTensor(key.text, value);
      if (target.kind === 'dict') keep(target, key.text, value);
      if (target.kind === 'object' && SPECIAL_KEYS.has(key.text)) target.special = key.text;
    } else if (key.kind === 'object' && (target.kind === 'dict' || target.kind === 'object')) {
      target.special ??= 'what a call made';
    }
    if (target.kind === 'dict') grow(m, target, value);
  }
}

function keep(target: ContainerValue, key: string, value: Value): void {
  if (SPECIAL_KEYS.has(key)) target.special = key;
  target.entries ??= new Map();
  if (target.entries.size < MAX_ENTRIES || target.entries.has(key)) target.entries.set(key, value);
}

export function appendTo(m: PickleState, target: Value, items: readonly Value[]): void {
  const isSequence = target.kind === 'list' || (target.kind === 'object' && target.shape === 'sequence');
  if (!isSequence) m.report('pickle.misuse', 'appends to something that is no list');
  for (const item of items) {
    refuseGuarded(m, item);
    if (target.kind === 'list') grow(m, target, item);
  }
}

export function addItems(m: PickleState, target: Value, items: readonly Value[]): void {
  const isSet = target.kind === 'set' || (target.kind === 'object' && target.shape === 'set');
  if (!isSet) m.report('pickle.misuse', 'adds to something that is no set');
  for (const item of items) {
    refuseGuarded(m, item);
    checkHash(m, item);
    if (target.kind === 'set') grow(m, target, item);
  }
}

function grow(m: PickleState, target: ContainerValue, value: Value): void {
  target.weight = addWeight(target.weight, weightOf(value));
  if (target.weight > BOMB_WEIGHT && target.weight > m.opcodes * BOMB_FACTOR) {
    m.report('pickle.bomb', `a structure of ${m.opcodes} opcodes unfolds to more than ${target.weight} values`);
  }
}

/** Hashing a tuple walks all that it holds, shared parts once per place. */
function checkHash(m: PickleState, key: Value): void {
  if (key.kind === 'tuple' && key.weight > BOMB_WEIGHT)
    m.report('pickle.bomb', `a key of ${key.weight} values is hashed`);
}

/** A guarded name that goes anywhere but into a call could be called later with arguments that nobody judged. */
export function refuseGuarded(m: PickleState, value: Value): void {
  if (value.kind === 'global' && value.role === 'guarded') {
    m.report('pickle.argument', `hands on ${value.module}.${value.name} to be called with other arguments`);
  }
}
