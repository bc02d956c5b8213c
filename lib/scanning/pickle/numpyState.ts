import type { NumpyDtypeValue, Value } from './values.ts';

/** NPY_ITEM_REFCOUNT: elements are references to objects. */
const REFERENCES = 1;

/**
 * The state of a dtype, `(version, byte order, subdtype, names, fields, item bytes, alignment, flags)`, overrides what its
 * spelling says: `V8` becomes a structure of another size, or one with objects inside.
 */
export function applyDtypeState(dtype: NumpyDtypeValue, state: Value): void {
  const [, , subdtype, , fields, itemBytes, , flags] = state.kind === 'tuple' ? state.items : [];
  const flexible = /^[<>=|]?[SUVa]/.test(dtype.name);
  if (flexible && itemBytes?.kind === 'int' && itemBytes.value >= 0) {
    dtype.itemBytes = itemBytes.value;
    dtype.known = true;
  }
  if (holdsObjects(fields, 0) || (flags?.kind === 'int' && (flags.value & REFERENCES) !== 0)) dtype.hasObjects = true;
  if (subdtype !== undefined && subdtype.kind !== 'scalar') dtype.known = false;
}

function holdsObjects(value: Value | undefined, depth: number): boolean {
  if (value === undefined || depth > 8) return value !== undefined;
  if (value.kind === 'numpy-dtype') return value.hasObjects;
  if (value.kind === 'tuple') return value.lost === true || value.items.some((item) => holdsObjects(item, depth + 1));
  if (value.kind === 'dict') {
    // More fields than are kept may hide one.
    const entries = value.entries ?? new Map<string, Value>();
    return entries.size >= 64 || [...entries.values()].some((item) => holdsObjects(item, depth + 1));
  }
  return false;
}
