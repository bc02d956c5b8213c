import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const AGENT = join(import.meta.dirname, '../../agent/main.ts');
let folder: string;
let data: string;
/** Its beginning, before a program of one line: what it keeps does not depend on what is compiled, and that of the whole agent takes a second. */
let beginning: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-compiled-'));
  beginning = join(folder, 'agent/main.ts');
  mkdirSync(join(folder, 'agent/wiring'), { recursive: true });
  copyFileSync(AGENT, beginning);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'agent/wiring/main.ts'), 'process.exitCode = Number(!process.argv.includes("--help"));\n');
  data = join(folder, 'data');
  mkdirSync(join(data, 'compiled'), { recursive: true, mode: 0o700 });
});
afterEach(() => rmSync(folder, { recursive: true }));

function help(store = data, program = beginning) {
  const env = { PATH: process.env['PATH'] };
  return spawnSync(process.execPath, [program, '--data', store, '--help'], { env, encoding: 'utf8' }).status;
}

it.each([
  ['the agent', () => AGENT],
  ['its beginning alone', () => beginning],
])('%s keeps what was compiled where only its user can write, also behind a link', (_, program) => {
  symlinkSync('data', join(folder, 'link'));
  expect(help(join(folder, 'link'), program())).toBe(0);
  expect(readdirSync(join(data, 'compiled'))).not.toEqual([]);
});

it.each(['data', 'data/compiled'])('it keeps and runs nothing compiled where others can write %s', (open) => {
  chmodSync(join(folder, open), 0o777);
  expect(help()).toBe(0);
  expect(readdirSync(join(data, 'compiled'))).toEqual([]);
});

it.runIf(process.getuid?.() === 0)('nor where somebody else made the folder', () => {
  chownSync(join(data, 'compiled'), 4711, 4711);
  expect(help()).toBe(0);
  expect(readdirSync(join(data, 'compiled'))).toEqual([]);
});

it('nor behind a link that somebody put in the place of the folder', () => {
  rmSync(join(data, 'compiled'), { recursive: true });
  mkdirSync(join(folder, 'theirs'));
  symlinkSync('../theirs', join(data, 'compiled'));
  expect(help()).toBe(0);
  expect(readdirSync(join(folder, 'theirs'))).toEqual([]);
});

it('makes no store that is not there', () => {
  expect(help(join(folder, 'none'))).toBe(0);
  expect(existsSync(join(folder, 'none'))).toBe(false);
});
