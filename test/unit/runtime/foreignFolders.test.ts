import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findOperatorFile } from '../../../cli/connection/operatorFile.ts';
import { takeDataFolder } from '../../../runtime/dataFolder.ts';

const OTHER_USER = 12_345;

/** Only root gives folders to somebody else. */
describe.runIf(process.getuid?.() === 0)('a folder of another user where runtimes put theirs', () => {
  let shared: string;
  let foreign: string;
  beforeEach(() => {
    shared = mkdtempSync(join(tmpdir(), 'foreign-folders-'));
    vi.stubEnv('TMPDIR', shared);
    foreign = join(shared, 'strata-runtime-x');
    mkdirSync(foreign);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(shared, { recursive: true });
  });

  it('is not taken away, although a link to a file of ours stands for its process id', () => {
    writeFileSync(join(shared, 'ours'), '');
    symlinkSync(join(shared, 'ours'), join(foreign, 'runtime.pid'));
    chownSync(foreign, OTHER_USER, OTHER_USER);
    takeDataFolder(undefined).release();
    expect(existsSync(foreign)).toBe(true);
  });

  it('names no plane, although a file of ours in it does', async () => {
    writeFileSync(join(foreign, 'operator.json'), JSON.stringify({ endpoint: 'http://127.0.0.1:1', token: 't' }));
    writeFileSync(join(foreign, 'runtime.pid'), String(process.pid));
    expect(await findOperatorFile()).toMatchObject({ operator: { token: 't' } });
    chownSync(foreign, OTHER_USER, OTHER_USER);
    expect(await findOperatorFile()).toBeUndefined();
  });
});
