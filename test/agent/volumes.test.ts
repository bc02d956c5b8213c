import { readdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { volumeSpace } from '../../lib/adapters/node/volumeSpace.ts';
import { MIB } from '../../lib/shared/units.ts';
import {
  createHostWorld,
  digestOf,
  type HostBlob,
  endLeftovers,
  scratchFolder,
  startAgent,
  until,
  visibleBlobs,
} from './hostWorld.ts';
import { stopped } from './killed.ts';

const BLOB_BYTES = 20 * MIB;
/** Three blobs are above its high watermark, two below the low one. */
const CAPACITY_BYTES = 61 * MIB;

describe('an agent that is given a second NVMe volume', () => {
  afterEach(endLeftovers);

  it('fills it where the first has no room', async () => {
    const world = await createHostWorld();
    const [folder, nvme] = [await scratchFolder(), await scratchFolder()];
    const options = { data: folder.path, capacity: String(MIB), volumes: `fast=nvme:${nvme.path}:1GB` };
    const agent = startAgent(world, options);
    const blob = world.addBlob(BLOB_BYTES, 9);
    await world.prefetch(blob);
    const receipt = await until('the receipt', async () => (await world.receipts()).at(-1));
    expect(receipt).toMatchObject({ outcome: 'done', measured: { usedBytes: BLOB_BYTES } });
    const [visible] = await visibleBlobs(nvme.path);
    expect(await digestOf(visible?.path ?? '')).toBe(blob.digest);
    const link = join(folder.path, 'models/checkpoints/tiny/1.0.0/big.safetensors');
    expect(await digestOf(link)).toBe(blob.digest);
    await stopped(agent);
    await folder.remove();
    await nvme.remove();
    await world.close();
  });
});

describe('an agent that is given more than its volumes have', () => {
  afterEach(endLeftovers);

  it('tells what they have', async () => {
    const world = await createHostWorld();
    const [folder, nvme] = [await scratchFolder(), await scratchFolder()];
    const agent = startAgent(world, {
      data: folder.path,
      capacity: '8000TB',
      volumes: `fast=nvme:${nvme.path}:8000TB`,
    });
    await world.prefetch(world.addBlob(MIB, 9));
    const receipt = await until('the receipt', async () => (await world.receipts()).at(-1));
    const spaces = await Promise.all([folder, nvme].map(({ path }) => volumeSpace(path)));
    const capacityBytes = spaces.reduce((sum, { totalBytes }) => sum + totalBytes, 0);
    expect(receipt).toMatchObject({ outcome: 'done', measured: { capacityBytes } });
    await stopped(agent);
    await folder.remove();
    await nvme.remove();
    await world.close();
  });
});

describe('an agent that is given an SSD volume', () => {
  afterEach(endLeftovers);

  it('moves the blob down that no longer fits, shows it where it was, and goes on when the volume is gone', async () => {
    const world = await createHostWorld();
    const [folder, ssd] = [await scratchFolder(), await scratchFolder()];
    const options = { data: folder.path, capacity: String(CAPACITY_BYTES) };
    const first = startAgent(world, options);
    const blobs: HostBlob[] = [];
    for (const seed of [1, 2, 3]) {
      const blob = world.addBlob(BLOB_BYTES, seed);
      blobs.push(blob);
      await world.prefetch(blob, `file-${seed}`);
      await until('its receipt', async () => (await world.receipts()).find(({ digest }) => digest === blob.digest));
    }
    await stopped(first);

    const volumes = `cold=ssd:${ssd.path}:1GB`;
    const second = startAgent(world, { ...options, volumes });
    const moved = await until('one below', async () => (await visibleBlobs(ssd.path))[0]);
    await until('one copy', async () => ((await visibleBlobs(folder.path)).length === 2 ? true : undefined));
    expect(await digestOf(moved.path)).toBe(moved.name);
    const links = join(folder.path, 'models/checkpoints/tiny/1.0.0');
    const targets = await Promise.all((await readdir(links)).map((name) => realpath(join(links, name))));
    expect(targets).toContain(await realpath(moved.path));
    expect(targets).toHaveLength(3);

    await rm(ssd.path, { recursive: true });
    const told = await until('the report', async () => (await world.receipts()).find(({ type }) => type === 'evict'));
    expect(told).toMatchObject({ digest: moved.name, code: 'disk-error', message: 'The volume cold failed.' });
    expect(await readdir(links)).toHaveLength(2);
    await stopped(second);
    await folder.remove();
    await world.close();
    expect(blobs.map(({ digest }) => digest)).toContain(moved.name);
  });
});
