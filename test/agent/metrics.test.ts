import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { MIB } from '../../lib/shared/units.ts';
import { createHostWorld, endLeftovers, localApi, scratchFolder, startAgent, until } from './hostWorld.ts';
import { stopped } from './killed.ts';

/** Tells of two GPUs over and over, and of one thing that is none. */
const FAKE_SMI = `#!/bin/sh
echo $$ > "$(dirname "$0")/pid"
while echo '0, 93, 58368, 81559, 61, 548.20, NVIDIA H100 80GB HBM3'; do
  echo '1, [N/A], [N/A], 81559, [N/A], [N/A], NVIDIA H100 80GB HBM3'
  echo 'Unable to determine the device handle for GPU 0000:41:00.0: Unknown Error'
  sleep 0.2
done
`;

interface Metrics {
  readonly samples: readonly {
    readonly seconds: number;
    readonly cpu?: { readonly busy: number; readonly processors: number };
    readonly memory?: { readonly totalBytes: number };
    readonly gpus?: readonly object[];
  }[];
}

async function firstSample(data: string) {
  return until(
    'a sample',
    async () => {
      await setTimeout(200);
      return ((await localApi(data, 'GET', '/v1/metrics')).body as Metrics).samples[0];
    },
    20_000,
  );
}

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the metrics of an agent', () => {
  afterEach(endLeftovers);

  it('sample this machine and its GPUs, and leave nothing running behind', async () => {
    const world = await createHostWorld();
    const [folder, tools] = [await scratchFolder(), await scratchFolder()];
    await writeFile(join(tools.path, 'nvidia-smi'), FAKE_SMI, { mode: 0o755 });
    const within = ['env', `PATH=${tools.path}:${process.env['PATH'] ?? ''}`];
    const agent = startAgent(world, { data: folder.path, within });
    await agent.ready;
    world.publishBlob(20 * MIB, 7);
    await until('the model', async () => {
      const { status } = await localApi(folder.path, 'GET', '/v1/models/tiny?wait=20');
      return status === 200 ? true : undefined;
    });
    const sample = await firstSample(folder.path);
    expect(sample.seconds).toBeGreaterThan(4);
    expect(sample.cpu?.processors).toBeGreaterThan(0);
    expect(sample.memory?.totalBytes).toBeGreaterThan(100 * MIB);
    expect(sample.gpus).toMatchObject([
      { index: 0, busy: 0.93, memoryUsedBytes: 58368 * MIB, celsius: 61, watts: 548.2 },
      { index: 1, name: 'NVIDIA H100 80GB HBM3' },
    ]);
    expect((await localApi(folder.path, 'GET', '/v1/health')).body).toMatchObject({ status: 'ready' });
    const pid = Number(await readFile(join(tools.path, 'pid'), 'utf8'));
    expect(isAlive(pid)).toBe(true);
    await stopped(agent);
    await until('the end of nvidia-smi', async () => (isAlive(pid) ? undefined : true));
    await folder.remove();
    await tools.remove();
    await world.close();
  });
});
