import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FolderTakenError, takeDataFolder } from '../../../runtime/dataFolder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-folder-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('keeps a second runtime out while the first one lives', () => {
  writeFileSync(join(folder, 'runtime.pid'), String(process.ppid));
  expect(() => takeDataFolder(folder)).toThrow(FolderTakenError);
});

it.each(['', '0', 'no number', '999999999'])('takes over from a runtime that left %j behind', (left) => {
  writeFileSync(join(folder, 'runtime.pid'), left);
  takeDataFolder(folder);
  expect(readFileSync(join(folder, 'runtime.pid'), 'utf8')).toBe(String(process.pid));
});
