import { describe, expect, it } from 'vitest';
import { judgeBytes } from './build.ts';

const MILLION = 1_000_000;
const CPU_MS = 3_000;

/** What made a pattern run over the same characters again and again. */
describe('a text of a million characters is judged in time that grows with its length', () => {
  it.each([
    '\n',
    ' \n',
    '```\n',
    'curl ',
    '[Desktop Entry]\n',
    '<!DOCTYPE ',
    '<layer ',
    '=lambda ',
    'rm -rrrrrr ',
    'a[',
    '%c',
    '!',
    '- ',
  ])('%j', async (piece) => {
    const text = Buffer.from(`x{% ${piece.repeat(Math.floor(MILLION / piece.length))}`);
    const before = process.cpuUsage();
    await judgeBytes(text);
    const { user } = process.cpuUsage(before);
    expect(user / 1_000).toBeLessThan(CPU_MS);
  });
});
