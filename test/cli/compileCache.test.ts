import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const BIN = join(import.meta.dirname, '../../cli/bin.js');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function help(cache: string, cwd = folder) {
  const env = { PATH: process.env['PATH'], HOME: join(folder, 'home'), XDG_CACHE_HOME: cache };
  return spawnSync(process.execPath, [BIN, '--help'], { env, cwd, encoding: 'utf8' }).status;
}

it('keeps what was compiled in a folder that only its user can write', () => {
  expect(help(join(folder, 'cache'))).toBe(0);
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
