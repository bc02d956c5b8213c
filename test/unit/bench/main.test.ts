import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MINUTE_MS = 60_000;
let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'strata-bench-test-'));
});
afterEach(() => rmSync(scratch, { recursive: true }));

it('a bench leaves nothing behind where nobody reads what it prints, and does not fail', {
  timeout: MINUTE_MS,
}, async () => {
  mkdirSync(join(scratch, 'strata-bench-999999999-killed'));
  const bench = spawn(process.execPath, ['bench/main.ts', 'sweep-cost', '--blobs', '20'], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  bench.stdout.destroy();
  expect(await once(bench, 'exit')).toEqual([0, null]);
  expect(readdirSync(scratch)).toEqual([]);
});
