import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { HostId } from '../../../lib/shared/ids.ts';
import { launchAgent } from '../../../runtime/start/agents.ts';

const { execPath } = process;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'strata-agents-'));
});
afterEach(() => {
  process.execPath = execPath;
  rmSync(folder, { recursive: true });
});

const launch = (onEnded: (reason: string) => void = () => undefined) =>
  launchAgent({
    host: HostId.parse('host-a'),
    folder: join(folder, 'host-a'),
    plane: 'http://127.0.0.1:1',
    joinToken: 'token',
    logFile: join(folder, 'host-a.jsonl'),
    onEnded,
  });

it('tells that an agent has ended whose program was gone, and stops it', async () => {
  process.execPath = join(folder, 'node');
  writeFileSync(join(folder, 'host-a.jsonl'), 'what an agent before it said\n');
  const onEnded = vi.fn<(reason: string) => void>();
  const launched = launch(onEnded);
  await expect(launched.ready).rejects.toThrow('ENOENT');
  expect(onEnded.mock.calls).toEqual([[expect.stringMatching(/ENOENT.*it said nothing; its log is .*host-a\.jsonl$/)]]);
  await launched.stop();
});

it.each([
  ['no room for a ledger.', 'no room for a ledger'],
  ['{"level":50,"msg":"step-failed","err":{"message":"ENOTDIR"}}', 'step-failed: ENOTDIR'],
  ['{"level":30,"msg":"stopping"}', 'stopping'],
  [
    'file:///a.ts:1\n  throw error;\n  ^\n\nError: no room\n    at a.ts:1 {\n  code: 1\n}\n\nNode.js v24.0.0',
    'Error: no room',
  ],
])('tells what an agent said last, however long its log is: %j', async (said, told) => {
  process.execPath = join(folder, 'node');
  writeFileSync(join(folder, 'said'), `${said}\n`);
  writeFileSync(process.execPath, `#!/bin/sh\ncat ${folder}/said >&2\nexit 3\n`, { mode: 0o700 });
  writeFileSync(join(folder, 'host-a.jsonl'), `${'x'.repeat(100_000)}\n`);
  const onEnded = vi.fn<(reason: string) => void>();
  await expect(launch(onEnded).ready).rejects.toThrow(`did not come up: ${told}; its log is`);
  expect(onEnded.mock.calls).toEqual([[expect.stringContaining(`ended (3): ${told}; its log is`)]]);
});

it('keeps no log open of an agent that could not even be asked for', () => {
  process.execPath = 'not\0a path';
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  expect(() => launch()).toThrow('null bytes');
  expect(open()).toBe(before);
});
