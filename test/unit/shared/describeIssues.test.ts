import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { describeIssues } from '../../../lib/shared/describeIssues.ts';

const count = z.number().check(z.int(), z.nonnegative());
const Shape = z.strictObject({
  name: z.string().check(z.maxLength(3), z.regex(/^[a-z]*$/)),
  on: z.iso.date(),
  kind: z.enum(['s3', 'r2']),
  inner: z.record(z.string(), z.strictObject({ count })),
  some: z.optional(z.array(z.boolean()).check(z.maxLength(1))),
  gb: z.optional(z.union([z.literal(10), z.literal(16)])),
  even: z.optional(z.number().check(z.multipleOf(2), z.lt(9))),
  link: z.optional(z.url()),
  own: z.optional(z.string().check(z.refine((text) => text === 'x', 'is no x'))),
});
const RIGHT = { name: 'abc', on: '2026-11-20', kind: 's3', inner: {} };

function wrong(over: unknown): string {
  const parsed = Shape.safeParse(typeof over === 'object' && over !== null ? { ...RIGHT, ...over } : over);
  return describeIssues(parsed.error?.issues ?? []);
}

describe('what is wrong with a value from outside', () => {
  it.each<[unknown, string]>([
    [7, 'it must be an object'],
    [{ name: 1 }, '"name" must be a text'],
    [{ name: 'abcd' }, '"name" must be at most 3 characters'],
    [{ name: 'A' }, '"name" must fit /^[a-z]*$/'],
    [{ on: 'soon' }, '"on" must be a date such as 2026-11-20'],
    [{ kind: 'gcs' }, '"kind" must be one of "s3", "r2"'],
    [{ inner: { x: { count: -1 } } }, '"inner.x.count" must be at least 0'],
    [{ inner: { x: { count: 0.5 } } }, '"inner.x.count" must be a whole number'],
    [{ some: [true, false] }, '"some" must be at most 1 of them'],
    [{ some: [1] }, '"some.0" must be true or false'],
    [{ gb: 11 }, '"gb" must be one of 10, 16'],
    [{ even: 3 }, '"even" must be a multiple of 2'],
    [{ even: 10 }, '"even" must be less than 9'],
    [{ link: 'x' }, '"link" must be a valid url'],
    [{ own: 'y' }, '"own" is no x'],
    [{ colour: 1, size: 2 }, 'it has fields that nobody knows: colour, size'],
  ])('%j: %s', (value, text) => {
    expect(wrong(value)).toBe(text);
  });

  it('is told of three fields, and how many more there are', () => {
    expect(describeIssues(Shape.safeParse({}).error?.issues ?? [])).toBe(
      '"name" must be a text; "on" must be a text; "kind" must be one of "s3", "r2"; and 1 more',
    );
  });
});
