import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { manifestLine } from '../../../lib/tiering/index.ts';

describe('a line of a manifest', () => {
  it('has three fields whatever is in the key, and gives the key back when it is decoded', () => {
    assert(
      property(string({ unit: 'grapheme', minLength: 1 }), (key) => {
        const line = manifestLine('models', key, 'v.1_~-');
        const fields = line.slice(0, -1).split(',');
        expect(fields).toHaveLength(3);
        expect(line).toMatch(/^[\x21-\x7e]+\n$/);
        expect(line).not.toContain('"');
        expect(decodeURIComponent(fields[1]!)).toBe(key);
      }),
    );
  });

  it('leaves slashes, and encodes blanks, commas, quotes and what is no ASCII as S3 does', () => {
    expect(manifestLine('models', 'blobs/a b,"ä"+.bin', 'v')).toBe('models,blobs/a%20b%2C%22%C3%A4%22%2B.bin,v\n');
  });
});
