import { expect, it } from 'vitest';
import { LEDGER_PATH } from '../../../agent/nvme/paths.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { createAgentWorld, PART } from './agentWorld.ts';

it('parts whose staging file was removed without a word in the ledger are fetched again', async () => {
  const disk = createMemDisk();
  const ledger = { fails: false };
  const world = createAgentWorld({
    capacity: 10_000,
    disk: {
      ...disk,
      async write(path, ...rest) {
        if (ledger.fails && path === LEDGER_PATH) {
          ledger.fails = false;
          throw new DiskError('io', 'The ledger cannot be written.');
        }
        await disk.write(path, ...rest);
      },
      async remove(path) {
        if (path.startsWith('staging/')) ledger.fails = world.hooks.damage !== undefined;
        await disk.remove(path);
      },
    },
  });
  const agent = await world.boot();
  const blob = world.addBlob(3 * PART);
  world.hooks.damage = (key, bytes, offset) =>
    offset < 2 * PART || key.endsWith('.parts') ? bytes : bytes.map((byte) => byte ^ 1);
  world.command(world.prefetchOf(blob), { actionId: 'first' });
  await world.work(agent);
  expect(world.sent.receipts.at(-1)).toMatchObject({ outcome: 'failed', code: 'wrong-bytes' });
  world.hooks.damage = undefined;
  world.command(world.prefetchOf(blob), { actionId: 'second' });
  await world.work(agent);
  expect(world.sent.receipts.at(-1)).toMatchObject({ outcome: 'done' });
  expect(await world.wrongBlobs()).toEqual([]);
});
