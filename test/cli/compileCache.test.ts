import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const BIN = join(import.meta.dirname, '../../cli/bin.js');
let folder: string;
/** The same beside a program of one line: what it keeps does not depend on what is compiled, and that of the real one takes a second. */
let bin: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-cache-'));
  bin = join(folder, 'cli/bin.js');
  mkdirSync(dirname(bin));
  copyFileSync(BIN, bin);
  cpSync(join(import.meta.dirname, '../../programs'), join(folder, 'programs'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'cli/main.ts'), 'process.exitCode = Number(process.argv.length < 3);\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

function help(cache: string, program = bin) {
  const env = { PATH: process.env['PATH'], HOME: join(folder, 'home'), XDG_CACHE_HOME: cache };
  return spawnSync(process.execPath, [program, '--help'], { env, cwd: folder, encoding: 'utf8' }).status;
}

it.each([
  ['the command', () => BIN],
  ['its beginning alone', () => bin],
])('keeps what was compiled of %s in a folder that only its user can write', (_, program) => {
  expect(help(join(folder, 'cache'), program())).toBe(0);
  expect(readdirSync(join(folder, 'cache/strata/compiled'))).not.toEqual([]);
});

it.each(['cache', 'cache/strata', 'cache/strata/compiled'])('keeps nothing where others can write %s', (open) => {
  mkdirSync(join(folder, 'cache/strata/compiled'), { recursive: true, mode: 0o700 });
  chmodSync(join(folder, open), 0o777);
  expect(help(join(folder, 'cache'))).toBe(0);
  expect(readdirSync(join(folder, 'cache/strata/compiled'))).toEqual([]);
});

it.runIf(process.getuid?.() === 0)('makes none, as root, in the home of somebody else', () => {
  mkdirSync(join(folder, 'home'));
  chownSync(join(folder, 'home'), 4711, 4711);
  expect(help('')).toBe(0);
  expect(readdirSync(join(folder, 'home'))).toEqual([]);
});

it('makes no folder below where it is called', () => {
  expect(help('relative')).toBe(0);
  expect(existsSync(join(folder, 'relative'))).toBe(false);
});
