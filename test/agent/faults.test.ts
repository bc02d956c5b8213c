import { chmod, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { CommandReceipt } from '../../events/command-receipt/v1.ts';
import { MIB } from '../../lib/shared/units.ts';
import {
  type AgentOptions,
  createHostWorld,
  digestOf,
  type HostBlob,
  type HostWorld,
  endLeftovers,
  scratchFolder,
  startAgent,
  until,
  visibleBlobs,
} from './hostWorld.ts';
import { stopped, watchDisk } from './killed.ts';

/*
 * Faults that end neither the process nor the power, by the real process on real files. Those that do are in
 * failpoints.test.ts and killMoments.test.ts, the full disk in fullDisk.test.ts, a volume that goes away in volumes.test.ts.
 */
const BLOB_BYTES = 20 * MIB;
const CAPACITY_BYTES = 64 * MIB;

const receipts: CommandReceipt[] = [];

/** The first receipt from here on that fits. */
async function receiptOf(world: HostWorld, fits: (receipt: CommandReceipt) => boolean): Promise<CommandReceipt> {
  return until('the receipt', async () => {
    receipts.push(...(await world.receipts()));
    const at = receipts.findIndex(fits);
    return at < 0 ? undefined : receipts.splice(at, 1)[0];
  });
}

describe('an agent', () => {
  const closing: (() => Promise<void> | void)[] = [];
  afterEach(endLeftovers);
  afterAll(async () => {
    for (const close of closing) await close();
  });

  async function started(more: Partial<AgentOptions> = {}) {
    receipts.length = 0;
    const world = await createHostWorld();
    const folder = await scratchFolder();
    closing.push(
      () => world.close(),
      () => folder.remove(),
    );
    const options = { data: folder.path, capacity: String(CAPACITY_BYTES), ...more };
    return { world, folder, options, agent: startAgent(world, options) };
  }

  async function filled(world: HostWorld, seed: number): Promise<HostBlob> {
    const blob = world.addBlob(BLOB_BYTES, seed);
    await world.prefetch(blob, `file-${seed}`);
    await receiptOf(world, ({ digest, type }) => type === 'prefetch' && digest === blob.digest);
    return blob;
  }

  it('finds a flipped bit, takes the copy out of service and fetches it again', async () => {
    const { world, folder, agent } = await started();
    const blob = await filled(world, 1);
    const path = (await visibleBlobs(folder.path))[0]?.path ?? '';
    await flipBit(path, 7_000_001);
    expect(await digestOf(path)).not.toBe(blob.digest);
    await world.command({ type: 'verify', digest: blob.digest });
    expect(await receiptOf(world, ({ type }) => type === 'verify')).toMatchObject({
      outcome: 'failed',
      code: 'corrupt',
    });
    await receiptOf(world, ({ type, origin }) => type === 'prefetch' && origin === 'local');
    expect(await digestOf(path)).toBe(blob.digest);
    await stopped(agent);
  });

  it('whose capacity was lowered below what it holds comes down to it, and keeps the rest whole', async () => {
    const { world, folder, options, agent } = await started();
    const blobs = [await filled(world, 1), await filled(world, 2), await filled(world, 3)];
    await stopped(agent);
    const again = startAgent(world, { ...options, capacity: String(45 * MIB) });
    expect(await receiptOf(world, ({ type }) => type === 'evict')).toMatchObject({ origin: 'local', outcome: 'done' });
    const left = await visibleBlobs(folder.path);
    expect(left).toHaveLength(2);
    for (const { path, name } of left) expect(await digestOf(path)).toBe(name);
    expect(blobs.map(({ digest }) => digest)).toEqual(expect.arrayContaining(left.map(({ name }) => name)));
    await stopped(again);
  });

  it('that is told to evict what it is fetching ends both commands and keeps nothing of it', async () => {
    const { world, folder, agent } = await started({ bandwidth: '10MB' });
    const blob = world.addBlob(BLOB_BYTES, 1);
    await world.prefetch(blob);
    let ended = false;
    const watching = watchDisk(folder.path, blob, CAPACITY_BYTES, () => ended);
    await until('a third', () => (world.counters.bytesServed > BLOB_BYTES / 3 ? true : undefined));
    await world.command({ type: 'evict', digest: blob.digest });
    expect(await receiptOf(world, ({ type }) => type === 'prefetch')).toMatchObject({
      outcome: 'failed',
      code: 'superseded',
      measured: { bytesAfter: 0 },
    });
    expect(await receiptOf(world, ({ type }) => type === 'evict')).toMatchObject({ outcome: 'done' });
    ended = true;
    await watching;
    expect(await visibleBlobs(folder.path)).toEqual([]);
    expect(await readdir(join(folder.path, 'staging'))).toEqual([]);
    await stopped(agent);
  });

  it.each([
    'staging-allocated.before:1:io',
    'part-synced.after:2:io',
    'published.before:1:io',
    'blob-folder-synced.before:1:io',
  ])(
    'whose disk fails once (%s) fails that command once and cleans up, and the next one succeeds',
    async (failpoint) => {
      const { world, folder, agent } = await started({ failpoint });
      const blob = world.addBlob(BLOB_BYTES, 1);
      await world.prefetch(blob);
      expect(await receiptOf(world, ({ type }) => type === 'prefetch')).toMatchObject({
        outcome: 'failed',
        code: 'disk-error',
        measured: { bytesAfter: 0, usedBytes: 0 },
      });
      expect(await visibleBlobs(folder.path)).toEqual([]);
      await world.prefetch(blob);
      expect(await receiptOf(world, ({ type }) => type === 'prefetch')).toMatchObject({ outcome: 'done', code: 'ok' });
      expect(await digestOf((await visibleBlobs(folder.path))[0]?.path ?? '')).toBe(blob.digest);
      await stopped(agent);
      expect(await world.receipts()).toEqual([]);
    },
  );
});

async function flipBit(path: string, at: number): Promise<void> {
  await chmod(path, 0o600);
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 16;
  await file.write(byte, 0, 1, at);
  await file.close();
  await chmod(path, 0o444);
}
