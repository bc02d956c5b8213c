import { expect, it } from 'vitest';
import { FloatColumn, IntColumn } from '../../../lib/caching/structures/columns.ts';

it.each([
  ['floats', new FloatColumn(100_000, -1)],
  ['integers', new IntColumn(100_000, -1)],
])('a column of %s answers what was set of any object, and what it began with of all others', (_, column) => {
  const set = [0, 63, 64, 99_999, 1_000];
  for (const object of set) column.set(object, object + 7);
  for (const object of set) expect(column.get(object)).toBe(object + 7);
  for (const object of [1, 62, 65, 127, 999, 1_001, 50_000, 99_998]) expect(column.get(object)).toBe(-1);
});

it('a column counts from what it began with', () => {
  const column = new IntColumn(100_000, 5);
  expect([column.increment(70_000), column.increment(70_000), column.get(69_999)]).toEqual([6, 7, 5]);
});

it.each([
  ['floats', FloatColumn, 8],
  ['integers', IntColumn, 4],
])('a column of %s takes no memory for more objects than it is made for', (_, Column, bytesEach) => {
  const [half, objects] = [2 ** 18, 300_000];
  const before = process.memoryUsage().arrayBuffers;
  const column = new Column(objects);
  column.set(half - 1, 1);
  column.set(half, 1);
  const taken = process.memoryUsage().arrayBuffers - before;
  expect(column.get(half)).toBe(1);
  // What it outgrew may still be there.
  expect(taken).toBeLessThan(bytesEach * (half + objects + 1_000));
});
