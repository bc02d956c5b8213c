import { describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { COLD, createVolumesWorld, type VolumesWorld } from './volumesWorld.ts';
import { seededCoin } from '../../support/seededCoin.ts';

/*
 * A crash after every single call that changes a disk while a blob moves down and up again. Whatever survives (of a power cut, by
 * turns nothing that is not synced, or some of it by a seed), the blob is served after the next start, from one copy with the
 * right bytes, and no limit was exceeded.
 */
const LIMITS = { first: 1000, cold: 1000 };
const NOTHING = () => false;

async function timePasses(world: VolumesWorld): Promise<void> {
  for (let turn = 0; turn < 80; turn += 1) await world.clock.advance(1);
}

async function prepared() {
  const world = createVolumesWorld({
    capacity: LIMITS.first,
    volumes: [{ name: COLD, tier: 'ssd', capacity: LIMITS.cold }],
  });
  const agent = await world.bootWith();
  const blobs = [];
  for (let at = 0; at < 3; at += 1) {
    const blob = await world.fetched(agent, 310);
    await world.asked(agent, blob);
    blobs.push(blob);
  }
  return { world, agent, blobs };
}

async function downAndUp(world: VolumesWorld, agent: Agent): Promise<void> {
  await world.moveAll(agent);
  const below = agent.store.residents().find((digest) => agent.store.blob(digest)?.volume === COLD);
  if (below === undefined) return;
  const lease = await agent.store.lease([below]);
  await agent.store.leases.release(lease?.id ?? '');
  await world.moveAll(agent);
}

async function bytesOn(world: VolumesWorld, prefix: RegExp): Promise<number> {
  let sum = 0;
  for (const line of world.disk.tree()) {
    const path = line.split(' ')[0] ?? line;
    if (prefix.test(path) && !path.endsWith('/')) sum += (await world.disk.stat(path))?.size ?? 0;
  }
  return sum;
}

describe.each(['process', 'power'] as const)('when the %s dies at any call of a move', (death) => {
  it('every blob is served from one copy with the right bytes, and each limit holds', { timeout: 60_000 }, async () => {
    const counted = await prepared();
    counted.world.crashAtCall(Number.POSITIVE_INFINITY);
    await downAndUp(counted.world, counted.agent);
    const { calls } = counted.world.counters;
    expect(calls).toBeGreaterThan(50);
    for (let call = 1; call <= calls; call += 1) {
      const { world, agent, blobs } = await prepared();
      world.crashAtCall(call);
      await Promise.race([downAndUp(world, agent), timePasses(world)]);
      world.crash();
      if (death === 'power') world.disk.powerCut(call % 2 === 0 ? NOTHING : seededCoin(call));
      world.crashAtCall(Number.POSITIVE_INFINITY);
      const again = await world.bootWith();
      const at = `died at call ${call}`;
      const copies = await world.copies();
      expect(
        copies.every(({ named, found }) => named === found),
        at,
      ).toBe(true);
      expect(copies.map(({ named }) => named).toSorted(), at).toEqual(blobs.map(({ digest }) => digest).toSorted());
      expect(again.store.residents().toSorted(), at).toEqual(blobs.map(({ digest }) => digest).toSorted());
      expect(world.staged(), at).toEqual([]);
      expect(await bytesOn(world, /^(blobs|staging)\//), at).toBeLessThanOrEqual(LIMITS.first);
      expect(await bytesOn(world, /^volumes\/cold\/(blobs|staging)\//), at).toBeLessThanOrEqual(LIMITS.cold);
    }
  });
});
