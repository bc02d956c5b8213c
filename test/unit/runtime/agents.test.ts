import { mkdtempSync, rmSync } from 'node:fs';
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

it('tells that an agent has ended whose program was gone, and stops it', async () => {
  process.execPath = join(folder, 'node');
  const onEnded = vi.fn<(reason: string) => void>();
  const launched = launchAgent({
    host: HostId.parse('host-a'),
    folder: join(folder, 'host-a'),
    plane: 'http://127.0.0.1:1',
    joinToken: 'token',
    logFile: join(folder, 'host-a.jsonl'),
    onEnded,
  });
  await expect(launched.ready).rejects.toThrow('ENOENT');
  expect(onEnded.mock.calls).toEqual([[expect.stringContaining('ENOENT')]]);
  await launched.stop();
});
