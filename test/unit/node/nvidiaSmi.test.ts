import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startNvidiaSmi } from '../../../lib/adapters/node/nvidiaSmi.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'strata-smi-'));
});
afterEach(() => rm(folder, { recursive: true }));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('nvidia-smi beside the agent', () => {
  it('does no harm where it cannot be started', () => {
    const gpus = startNvidiaSmi({ command: 'none\0' });
    expect(gpus.read()).toEqual([]);
    gpus.close();
  });

  it('is started again when it has ended, and is no more when it is closed, whatever it does with signals', async () => {
    const command = join(folder, 'nvidia-smi');
    const script = `#!/bin/sh
trap '' TERM PIPE
echo $$ >>${folder}/pids
echo '0, 93, 58368, 81559, 61, 548.20, NVIDIA H100'
[ "$(wc -l <${folder}/pids)" = 1 ] && exit 1
while :; do sleep 0.1; done
`;
    await writeFile(command, script, { mode: 0o755 });
    const pids = async () => (await readFile(join(folder, 'pids'), 'utf8')).trim().split('\n').map(Number);
    const gpus = startNvidiaSmi({ command, firstPauseMs: 10 });
    await expect.poll(pids).toHaveLength(2);
    await expect.poll(() => gpus.read()).toMatchObject([{ index: 0, celsius: 61 }]);
    gpus.close();
    const [, pid = 0] = await pids();
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});
