import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { defineRow } from '../../../lib/catalog/rowType.ts';
import { frozen } from '../../../lib/shared/frozen.ts';

const Row = defineRow({
  name: 'shelf',
  schemaVersion: 1,
  schema: z.object({ name: z.string(), books: z.array(z.string()) }),
  key: (name: string) => ({ partition: `SHELF#${name}`, sort: 'META' }),
  keyOf: ({ name }): [string] => [name],
});
const key = Row.key('a');

describe('a row type', () => {
  it('answers one frozen value for a body that its store answers again', () => {
    const body = frozen({ v: 1, name: 'a', books: ['x'] });
    const first = Row.parse({ key, body, version: 1 });
    const again = Row.parse({ key, body, version: 2 });
    expect(first).toEqual({ value: { name: 'a', books: ['x'] }, version: 1 });
    expect(again).toEqual({ value: { name: 'a', books: ['x'] }, version: 2 });
    expect(again.value).toBe(first.value);
    expect(() => first.value.books.push('y')).toThrow(TypeError);
  });

  it('reads a body that may still change each time', () => {
    const body = { v: 1, name: 'a', books: ['x'] };
    expect(Row.parse({ key, body, version: 1 }).value.books).toEqual(['x']);
    body.books = ['y'];
    expect(Row.parse({ key, body, version: 1 }).value.books).toEqual(['y']);
  });

  it('refuses a frozen body of another schema version each time', () => {
    const item = { key, body: frozen({ v: 2, name: 'a', books: [] }), version: 1 };
    expect(() => Row.parse(item)).toThrow(/schema version 1/);
    expect(() => Row.parse(item)).toThrow(/schema version 1/);
  });
});
