import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.ts';

const RUN = join(import.meta.dirname, '../run.ts');

/** The project `unit` of a folder of its own: one test, which writes where its temporary folder is. */
const CONFIG = `export default { test: { projects: [{ test: { name: 'unit', include: ['*.test.mjs'], globals: true } }] } };`;
const testThat = (ends: string) => `
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
it('leaves a folder behind', async () => {
  writeFileSync('begun-', mkdtempSync(join(tmpdir(), 'strata-left-')));
  renameSync('begun-', 'begun');
  ${ends}
}, 60_000);
`;

let folder: string;
let temporary: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-e2e-'));
  temporary = join(folder, 'tmp');
  mkdirSync(temporary);
  writeFileSync(join(folder, 'vitest.config.mjs'), CONFIG);
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(project = 'unit') {
  const env = { ...process.env, TMPDIR: temporary };
  const child = spawn(process.execPath, [RUN, project], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, exited, output: () => output };
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('npm test that is ended by %s leaves no temporary folder of a test behind', async (signal, code) => {
  writeFileSync(join(folder, 'one.test.mjs'), testThat('await new Promise(() => {});'));
  const { child, exited } = start();
  await eventually(async () => expect(existsSync(join(folder, 'begun'))).toBe(true), 60_000);
  expect(readFileSync(join(folder, 'begun'), 'utf8')).toContain(temporary);
  child.kill(signal);
  expect(await exited).toBe(code);
  expect(readdirSync(temporary)).toEqual([]);
});

it('npm test says so where it is asked for a project that there is not', async () => {
  expect(await start('units').exited).toBe(2);
  expect(readdirSync(temporary)).toEqual([]);
});

it('npm test runs the project that it is asked for, and leaves nothing behind that its tests left', async () => {
  writeFileSync(join(folder, 'one.test.mjs'), testThat(''));
  const { exited, output } = start();
  expect(await exited, output()).toBe(0);
  expect(output()).toContain('1 passed, 0 failed');
  expect(readdirSync(temporary)).toEqual([]);
});

it('npm test tells what failed once more after everything else, right before it counts', async () => {
  writeFileSync(join(folder, 'one.test.mjs'), "it('is the one', () => expect(1).toBe(2)); it('is another', () => {});");
  const { exited, output } = start();
  expect(await exited, output()).toBe(1);
  const [, told] = output().split(/ Duration .*/);
  expect(told).toMatch(/FAIL .*one\.test\.mjs.*is the one/);
  expect(told).toContain('AssertionError');
  expect(told).toContain('1 passed, 1 failed');
});
