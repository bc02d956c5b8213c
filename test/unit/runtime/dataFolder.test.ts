import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FolderTakenError, FolderUnusableError, takeDataFolder } from '../../../runtime/dataFolder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-folder-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('keeps a second runtime out while the first one lives', () => {
  writeFileSync(join(folder, 'runtime.pid'), String(process.ppid));
  expect(() => takeDataFolder(folder)).toThrow(FolderTakenError);
});

it('does not take a later process of the same number for the one that died', () => {
  writeFileSync(join(folder, 'runtime.pid'), `${process.ppid}\nanother-boot 12345\n`);
  expect(() => takeDataFolder(folder)).not.toThrow();
});

it('says so when the folder is none', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => takeDataFolder(join(folder, 'file'))).toThrow(FolderUnusableError);
});

it.runIf(existsSync('/proc/self')).each([
  ['runtime/main.ts', 1, '/proc/x cannot be used: ENOENT'],
  ['agent/main.ts', 2, 'The folder --data cannot be used: ENOENT'],
])('has %s end where the system takes no folder', (main, code, text) => {
  // A process of its own: Node's recursive mkdir never came back from there.
  const args = [join(import.meta.dirname, '../../..', main), '--data', '/proc/x'];
  const env = { ...process.env, STRATA_HOST: 'host-a', STRATA_PLANE: 'http://127.0.0.1:1' };
  const { status, stderr } = spawnSync(process.execPath, args, { env, timeout: 30_000, encoding: 'utf8' });
  expect([status, stderr]).toEqual([code, expect.stringContaining(text)]);
});

it('makes the folders above it', () => {
  takeDataFolder(join(folder, 'a', 'b')).release();
  expect(existsSync(join(folder, 'a', 'b', 'bucket'))).toBe(true);
});

it.each(['', '0', 'no number', '999999999'])('takes over from a runtime that left %j behind', (left) => {
  writeFileSync(join(folder, 'runtime.pid'), left);
  takeDataFolder(folder);
  expect(readFileSync(join(folder, 'runtime.pid'), 'utf8').split('\n')[0]).toBe(String(process.pid));
});

it('leaves nothing of a start that came to nothing, where nothing was before', () => {
  const taken = takeDataFolder(join(folder, 'a', 'b'));
  writeFileSync(taken.at('catalog.db'), 'rows');
  taken.discard();
  expect(readdirSync(folder)).toEqual([]);
  mkdirSync(join(folder, 'empty'));
  takeDataFolder(join(folder, 'empty')).discard();
  expect(readdirSync(join(folder, 'empty'))).toEqual([]);
});

it('takes nothing away that was there before, or that somebody has put there since', () => {
  const data = join(folder, 'data');
  takeDataFolder(data).release();
  writeFileSync(join(data, 'catalog.db'), 'rows');
  takeDataFolder(data).discard();
  expect(readdirSync(data).sort()).toEqual(['audit', 'bucket', 'catalog.db', 'hosts', 'keys', 'logs']);
  const taken = takeDataFolder(join(folder, 'a', 'b'));
  writeFileSync(join(folder, 'a', 'mine'), '');
  taken.discard();
  expect(readdirSync(join(folder, 'a'))).toEqual(['mine']);
});
