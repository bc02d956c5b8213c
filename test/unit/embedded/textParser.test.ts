import { describe, expect, it } from 'vitest';
import { createTextParser } from '../../../lib/adapters/embedded/textParser.ts';

describe('a parser of texts that come again', () => {
  it('answers the same frozen object for the same text', () => {
    const parse = createTextParser();
    const first = parse('{"v":1,"files":[{"role":"weights"}]}');
    expect(first).toEqual({ v: 1, files: [{ role: 'weights' }] });
    expect(parse(['{"v":1,"files":', '[{"role":"weights"}]}'].join(''))).toBe(first);
    expect(Object.isFrozen(first['files'])).toBe(true);
    expect(() => Object.assign(Object(first['files'])[0], { role: 'vae' })).toThrow(TypeError);
  });

  it('forgets what was not asked for since as many characters came as it remembers', () => {
    const parse = createTextParser(16);
    const [used, unused] = [parse('{"a":1}'), parse('{"b":1}')];
    for (const text of ['{"c":1}', '{"d":1}', '{"e":1}']) {
      parse(text);
      expect(parse('{"a":1}')).toBe(used);
    }
    expect(parse('{"b":1}')).toEqual(unused);
    expect(parse('{"b":1}')).not.toBe(unused);
  });

  it('remembers no text that is no JSON', () => {
    const parse = createTextParser();
    expect(() => parse('{')).toThrow(SyntaxError);
    expect(() => parse('{')).toThrow(SyntaxError);
  });
});
