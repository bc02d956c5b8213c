import type { NumpyDtypeValue } from '../pickle/values.ts';

/** Byte order, kind, bytes of one element (characters for `U`, each four bytes), and the unit of a time. */
const SPELLING = /^([<>=|]?)([biufcSUVmMa?])([0-9]{0,9})(?:\[[^\]]{1,20}\])?$/;
const NAMED: ReadonlyMap<string, number> = new Map([
  ['bool', 1],
  ['int8', 1],
  ['uint8', 1],
  ['int16', 2],
  ['uint16', 2],
  ['float16', 2],
  ['int32', 4],
  ['uint32', 4],
  ['float32', 4],
  ['int64', 8],
  ['uint64', 8],
  ['float64', 8],
  ['complex64', 8],
  ['complex128', 16],
]);

/**
 * What a dtype's spelling says: `<f4`, `|S12`, `float32`, `O`. `known` is false for structured and foreign ones, whose
 * elements have no size here; a spelling that is absent may stand for objects.
 */
export function numpyDtype(spelling: string | undefined): NumpyDtypeValue {
  const name = spelling ?? '?';
  const hasObjects = /^[|<>=]?O[0-9]*$/.test(name) || name === 'object' || spelling === undefined;
  const named = NAMED.get(name);
  if (named !== undefined) return { kind: 'numpy-dtype', name, itemBytes: named, hasObjects, known: true };
  const [, , kind = '', digits = ''] = SPELLING.exec(name) ?? [];
  // Python 2 spelled flexible types without a length; numbers always have one, but for one byte.
  const width = digits !== '' ? Number(digits) : kind === '?' || kind === 'b' || kind === 'B' ? 1 : Number.NaN;
  if (kind === '' || Number.isNaN(width)) return { kind: 'numpy-dtype', name, itemBytes: 0, hasObjects, known: false };
  return { kind: 'numpy-dtype', name, itemBytes: kind === 'U' ? width * 4 : width, hasObjects, known: true };
}
