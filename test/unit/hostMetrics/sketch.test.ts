import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addInto, createSketch, quantile, record } from '../../../lib/hostMetrics/index.ts';

const durations = fc.array(fc.double({ min: 1e-3, max: 1e12, noNaN: true }), { minLength: 1, maxLength: 300 });

function sketchOf(values: readonly number[]) {
  const sketch = createSketch();
  for (const value of values) record(sketch, value);
  return sketch;
}

describe('a sketch', () => {
  it('answers every quantile within two percent', () => {
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
        const exact =
          values.toSorted((one, other) => one - other)[Math.max(0, Math.ceil(q * values.length) - 1)] ?? Number.NaN;
        const answered = quantile(sketchOf(values), q);
        expect(Math.abs(answered - exact)).toBeLessThanOrEqual(exact * 0.02 * (1 + 1e-9));
      }),
    );
  });

  it('of two parts added up is that of the whole', () => {
    fc.assert(
      fc.property(durations, durations, (one, other) => {
        const sum = sketchOf(one);
        addInto(sum, sketchOf(other));
        const whole = sketchOf([...one, ...other]);
        expect({ ...sum, sum: 0 }).toEqual({ ...whole, sum: 0 });
        expect(sum.sum / whole.sum).toBeCloseTo(1, 9);
      }),
    );
  });

  it('leaves out what is no duration, and stays small whatever comes', () => {
    const sketch = sketchOf([-1, Number.NaN, Number.POSITIVE_INFINITY]);
    expect(sketch.count).toBe(0);
    expect(quantile(sketch, 0.5)).toBe(0);
    for (let power = -300; power <= 300; power += 0.01) record(sketch, 10 ** power);
    expect(sketch.buckets.size).toBeLessThan(950);
    expect(quantile(sketch, 0)).toBe(0);
  });
});
