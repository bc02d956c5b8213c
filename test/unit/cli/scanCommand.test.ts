import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { strataHere } from '../../cli/strataHere.ts';

const folder = mkdtempSync(join(tmpdir(), 'strata-scan-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('strata scan', () => {
  it('neither moves the cursor nor begins a line for a file that is named so', async () => {
    writeFileSync(join(folder, 'a\u001b[2J\u009b31m\nclean      good.bin'), "cposix\nsystem\n(S'true'\ntR.");
    const shown = await strataHere(['scan', folder]);
    expect(shown.stdout).toContain('a\uFFFD[2J\uFFFD31m\uFFFDclean      good.bin');
    expect(shown.stdout).not.toMatch(/^clean/m);
    for (const control of ['\u001b', '\u009b']) expect(shown.stdout).not.toContain(control);
    const json = await strataHere(['scan', folder, '--json']);
    for (const control of ['\u001b', '\u009b']) expect(json.stdout).not.toContain(control);
  });

  it('nor for one that names its architecture so', async () => {
    const text = (of: string) => [Buffer.from([of.length, 0, 0, 0, 0, 0, 0, 0]), Buffer.from(of)];
    const head = Buffer.from([...Buffer.from('GGUF'), 3, 0, 0, 0, ...Buffer.alloc(8), 1, ...Buffer.alloc(7)]);
    const architecture = 'x\u001b[2J\nclean      good.bin';
    const file = Buffer.concat([
      head,
      ...text('general.architecture'),
      Buffer.from([8, 0, 0, 0]),
      ...text(architecture),
    ]);
    writeFileSync(join(folder, 'named.gguf'), file);
    const { stdout } = await strataHere(['scan', join(folder, 'named.gguf')]);
    expect(stdout).toContain('x\uFFFD[2J\uFFFDclean      good.bin');
  });
});
