import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

it.each(['', '0', 'no number', '999999999'])('takes over from a runtime that left %j behind', (left) => {
  writeFileSync(join(folder, 'runtime.pid'), left);
  takeDataFolder(folder);
  expect(readFileSync(join(folder, 'runtime.pid'), 'utf8').split('\n')[0]).toBe(String(process.pid));
});
