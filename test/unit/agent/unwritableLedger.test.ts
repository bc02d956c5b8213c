import { expect, it } from 'vitest';
import { LEDGER_PATH } from '../../../agent/nvme/paths.ts';
import { DiskError } from '../../../lib/shared/ports/disk.ts';
import { createMemDisk } from '../../support/memDisk.ts';
import { createAgentWorld } from './agentWorld.ts';

it('a host whose ledger cannot be written is heard all the same, and lists its residents once it can', async () => {
  const disk = createMemDisk();
  const ledger = { full: false };
  const world = createAgentWorld({
    disk: {
      ...disk,
      async write(path, ...rest) {
        if (ledger.full && path === LEDGER_PATH) throw new DiskError('no-space', 'The volume is full.');
        await disk.write(path, ...rest);
      },
    },
  });
  const agent = await world.boot();
  const blob = world.addBlob(100);
  world.command(world.prefetchOf(blob));
  await world.work(agent);
  ledger.full = true;
  expect([await agent.heartbeatOnce(), await agent.heartbeatOnce()]).toEqual([true, true]);
  expect(world.sent.heartbeats.map(({ sequence, residents }) => ({ sequence, residents }))).toEqual([
    { sequence: 1, residents: undefined },
    { sequence: 2, residents: undefined },
  ]);
  ledger.full = false;
  await agent.heartbeatOnce();
  expect(world.sent.heartbeats.at(-1)).toMatchObject({ sequence: 3, residents: [blob.digest] });
});
