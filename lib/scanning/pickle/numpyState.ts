import type { PickleState } from './state.ts';
import type { NumpyDtypeValue, Value } from './values.ts';

/** NPY_ITEM_REFCOUNT: elements are references to objects. */
const REFERENCES = 1;

/**
 * The state of a dtype, `(version, byte order, subdtype, names, fields, item bytes, alignment, flags)`, overrides what its
 * spelling says: `V8` becomes a structure of another size, or one with objects inside.
 */
export function applyDtypeState(m: PickleState, dtype: NumpyDtypeValue, state: Value): void {
  const [, , subdtype, , fields, itemBytes, , flags] = state.kind === 'tuple' ? state.items : [];
  const flexible = /^[<>=|]?[SUVa]/.test(dtype.name);
  if (flexible && itemBytes?.kind === 'int' && itemBytes.value >= 0) {
    dtype.itemBytes = itemBytes.value;
    dtype.known = true;
  }
  const flagged = flags?.kind === 'int' && (flags.value & REFERENCES) !== 0;
  // Without the flag numpy takes raw bytes of an array for the addresses of objects.
  const holds = /^[<>=|]?O/.test(dtype.name) || holdsObjects(fields, false) || holdsObjects(subdtype, false);
  if (!flagged && flags?.kind === 'int' && holds) {
    m.report('pickle.state', 'a dtype denies the references in its fields');
  }
  if (flagged || holdsObjects(fields, true)) dtype.hasObjects = true;
  if (subdtype !== undefined && subdtype.kind !== 'scalar') dtype.known = false;
}

/** `unknown` is the answer where the value is not known whole. */
function holdsObjects(value: Value | undefined, unknown: boolean, depth = 0): boolean {
  if (value === undefined) return false;
  if (depth > 8) return unknown;
  if (value.kind === 'numpy-dtype') return value.hasObjects;
  if (value.kind === 'tuple') {
    return (value.lost === true && unknown) || value.items.some((item) => holdsObjects(item, unknown, depth + 1));
  }
  if (value.kind === 'dict') {
    // More fields than are kept may hide one.
    const entries = value.entries ?? new Map<string, Value>();
    const some = [...entries.values()].some((item) => holdsObjects(item, unknown, depth + 1));
    return some || (entries.size >= 64 && unknown);
  }
  return false;
}
