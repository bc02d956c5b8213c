import { describe, expect, it } from 'vitest';
import { jsonLine, printable, printableLine } from '../../../lib/shared/printable.ts';

/** ESC, BEL, the one-character CSI of C1, a right-to-left override, a tag of an emoji outside of the BMP, and a carriage return. */
const HOSTILE = 'a\u001b[2Jb\u0007c\u009b31md\u202ee\u{E0001}f\r';

describe('a text for a terminal', () => {
  it('shows what would move its cursor instead of sending it', () => {
    expect(printable(`${HOSTILE}\nnext`)).toBe('a\uFFFD[2Jb\uFFFDc\uFFFD31md\uFFFDe\uFFFDf\uFFFD\nnext');
  });

  it('holds no second line where it stands in one', () => {
    expect(printableLine('bad.pkl\nclean  good.bin')).toBe('bad.pkl\uFFFDclean  good.bin');
  });

  it('is escaped in JSON, and read back as it was', () => {
    const line = jsonLine({ name: HOSTILE });
    expect(line).toMatch(/^[\u0020-\u007e]*\n$/);
    expect(JSON.parse(line)).toEqual({ name: HOSTILE });
    expect(jsonLine({ name: 'größe 模型' })).toBe('{"name":"größe 模型"}\n');
  });
});
