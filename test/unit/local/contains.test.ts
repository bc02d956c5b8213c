import { describe, expect, it } from 'vitest';
import { contains } from '../../../local/templateProperties.ts';

describe('what a service says of a property', () => {
  it('may hold more than the template wants', () => {
    expect(contains({ a: 1, b: { c: 'x', d: 2 } }, { b: { c: 'x' } })).toBe(true);
    expect(contains([{ a: 1, b: 2 }, 'more'], [{ a: 1 }])).toBe(true);
    expect(contains({}, {})).toBe(true);
  });

  it('must hold all of it', () => {
    expect(contains(undefined, {})).toBe(false);
    expect(contains({ a: '1' }, { a: 1 })).toBe(false);
    expect(contains([], [{ a: 1 }])).toBe(false);
    expect(contains({ a: { b: 1 } }, { a: { b: 1, c: 2 } })).toBe(false);
    expect(contains('ENABLED', 'DISABLED')).toBe(false);
  });
});
