import type { PickleState } from './state.ts';
import type { Value } from './values.ts';

/**
 * joblib writes an array as a `NumpyArrayWrapper` whose state is followed, inside the pickle stream, by one byte with the
 * length of a padding, the padding, and the raw elements; object arrays by a whole pickle of their own. joblib's loader
 * reads that when it executes the BUILD. `pickle.load` would read the same bytes as opcodes, so they are followed as such too.
 */
export function skipJoblibArray(m: PickleState, state: Value): void {
  m.context.onJoblibArray();
  const entries = (state.kind === 'dict' ? state.entries : undefined) ?? new Map<string, Value>();
  const dtype = entries.get('dtype');
  const shape = entries.get('shape');
  const sizes = shape?.kind === 'tuple' ? shape.items.map((item) => (item.kind === 'int' ? item.value : -1)) : [-1];
  if (dtype?.kind !== 'numpy-dtype' || sizes.some((size) => size < 0)) {
    m.report('pickle.payload', 'an array wrapper without a readable dtype and shape');
    return;
  }
  if (dtype.hasObjects) {
    m.defer(() => {
      m.leaveFrame();
      return m.runNested();
    });
    return;
  }
  const count = sizes.reduce((product, size) => product * size, 1);
  if (!dtype.known && count > 0) {
    m.report('pickle.payload', `an array of dtype ${dtype.name}, whose length is not known`);
    return;
  }
  const aligned = entries.get('numpy_array_alignment_bytes')?.kind === 'int';
  m.defer(async () => {
    m.leaveFrame();
    const start = m.cursor.offset;
    await m.exploreFrom(start);
    if (aligned) {
      await m.cursor.ensure(1);
      m.cursor.skip(m.cursor.u8());
    }
    m.cursor.skip(count * dtype.itemBytes);
  });
}
