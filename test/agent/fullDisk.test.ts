import { spawnSync } from 'node:child_process';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { MIB } from '../../lib/shared/units.ts';
import {
  bytesTaken,
  createHostWorld,
  digestOf,
  endLeftovers,
  scratchFolder,
  startAgent,
  until,
  visibleBlobs,
} from './hostWorld.ts';
import { stopped, watchDisk } from './killed.ts';

const VOLUME_BYTES = 48 * MIB;
const canMount = spawnSync('unshare', ['-Urm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
if (!canMount) console.log('No full-disk test: unshare -Urm may not mount a tmpfs here.');

describe.runIf(canMount)('an agent whose volume is a tmpfs of 48 MiB', async () => {
  const world = await createHostWorld();
  afterEach(endLeftovers);
  afterAll(() => world.close());

  /** The mount is the agent's own; others see it through its root. */
  async function started(bandwidth?: string) {
    const folder = await scratchFolder();
    const script = `mount -t tmpfs -o size=${VOLUME_BYTES} tmpfs ${folder.path} && exec "$@"`;
    const options = { data: folder.path, ...(bandwidth === undefined ? {} : { bandwidth }) };
    const agent = startAgent(world, { ...options, within: ['unshare', '-Urm', 'sh', '-c', script, 'sh'] });
    await agent.ready;
    return { agent, folder, data: join('/proc', String(agent.child.pid), 'root', folder.path) };
  }

  it('fails the command once when the blob cannot fit, though its capacity says so', async () => {
    const blob = world.addBlob(60 * MIB);
    const { agent, folder, data } = await started();
    await world.prefetch(blob);
    const receipt = await until('the receipt', async () => (await world.receipts()).at(-1));
    expect(receipt).toMatchObject({ outcome: 'failed', code: 'no-room', measured: { bytesAfter: 0, usedBytes: 0 } });
    expect(await bytesTaken(data)).toBe(0);
    await stopped(agent);
    expect(await world.receipts()).toEqual([]);
    await folder.remove();
  });

  it('that others fill in the middle of a fetch ends it, once: whole, or with nothing left behind', async () => {
    const blob = world.addBlob(32 * MIB);
    const { agent, folder, data } = await started('16MB');
    const before = world.counters.bytesServed;
    await world.prefetch(blob);
    let ended = false;
    const watching = watchDisk(data, blob, VOLUME_BYTES, () => ended);
    await until('a third', () => (world.counters.bytesServed - before > blob.size / 3 ? true : undefined));
    await fill(join(data, 'somebody-elses-file'));
    const receipt = await until('the receipt', async () => (await world.receipts()).at(-1));
    ended = true;
    await watching;
    const [visible] = await visibleBlobs(data);
    if (receipt.outcome === 'done') expect(await digestOf(visible?.path ?? '')).toBe(blob.digest);
    else
      expect({ code: receipt.code, visible, taken: await bytesTaken(data) }).toEqual({
        code: 'no-room',
        visible: undefined,
        taken: 0,
      });
    await stopped(agent);
    expect(await world.receipts()).toEqual([]);
    await folder.remove();
  });
});

async function fill(path: string): Promise<void> {
  for (const size of [MIB, 4096]) {
    const chunk = Buffer.alloc(size, 1);
    try {
      for (;;) await appendFile(path, chunk);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  }
}
