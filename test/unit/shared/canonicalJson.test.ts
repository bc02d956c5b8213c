import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../lib/shared/canonicalJson.ts';

describe('canonical JSON', () => {
  it('writes texts and numbers as JSON.stringify does', () => {
    const texts = ['', 'plain', 'a "quote"', 'a\\b', 'line\nbreak', '\u007f', 'é', '\u2028', '\ud800', '😀'];
    for (const text of texts) expect(canonicalJson(text)).toBe(JSON.stringify(text));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        expect(canonicalJson(text)).toBe(JSON.stringify(text));
      }),
    );
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(canonicalJson(number)).toBe(JSON.stringify(number));
      }),
    );
  });

  it('sorts names by code unit, whatever order they came in, and leaves undefined members out', () => {
    expect(canonicalJson({ b: 1, a: [true, null, { d: '"', c: undefined }], 'é"': 2, 10: 3, 9: 4 })).toBe(
      '{"10":3,"9":4,"a":[true,null,{"d":"\\""}],"b":1,"é\\"":2}',
    );
  });

  it('reads back as the value that was written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.stringify(JSON.parse(text))).toHaveLength(JSON.stringify(value).length);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %d', (number) => {
    expect(() => canonicalJson({ number })).toThrow(TypeError);
  });
});
