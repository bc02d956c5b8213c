import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createNodeDisk } from '../../lib/adapters/node/nodeDisk.ts';
import { fullDiskContract } from './disk.suite.ts';

// A disk that really fills: a tmpfs of 4 MiB in a mount namespace of its own. This file runs itself inside of it.
const MIB_4 = 4 * 1024 * 1024;
const volume = process.env['STRATA_TEST_VOLUME'];

if (volume !== undefined) {
  fullDiskContract('A folder', MIB_4, () => createNodeDisk(mkdtempSync(join(volume, 'disk-'))));
} else {
  describe.skipIf(!mayMount())('A folder on a small tmpfs', () => {
    it('keeps the contract of a full disk', () => {
      const folder = mkdtempSync(join(tmpdir(), 'strata-volume-'));
      const script = `mount -t tmpfs -o size=${MIB_4} tmpfs "$0" && exec npx vitest run --project contract test/contract/fullDisk.test.ts`;
      try {
        const output = execFileSync('unshare', ['-Urm', 'sh', '-c', script, folder], {
          env: { ...process.env, STRATA_TEST_VOLUME: folder, NO_COLOR: '1' },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        expect(output).toContain('2 passed');
      } finally {
        rmdirSync(folder);
      }
    });
  });
}

function mayMount(): boolean {
  try {
    execFileSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
