import { describe, expect, it } from 'vitest';
import type { AccessesReported } from '../../events/accesses-reported/v1.ts';
import { createAccessesHandler } from '../../functions/accesses/handler.ts';
import { loadAccesses } from '../../lib/accesses/index.ts';
import { Generation, type HostId } from '../../lib/shared/ids.ts';
import { sqsBatch, testContext } from '../support/envelopes.ts';
import { createFleetWorld, digestOf, type FleetWorld } from '../support/fleetWorld.ts';

async function worldWithHost() {
  const world = createFleetWorld();
  const host = await world.addHost('gpu-a');
  await world.publish('sdxl', '1.0.0', { 'sdxl.safetensors': 'a' });
  const handler = createAccessesHandler(world.deps);
  const deliver = (...bodies: readonly unknown[]) => handler(sqsBatch(bodies), testContext());
  return { world, host, deliver };
}

function batch(world: FleetWorld, host: HostId, over: Partial<AccessesReported> = {}): AccessesReported {
  const day = new Date(world.clock.now()).toISOString().slice(0, 10);
  return {
    schema: 'accesses-reported/1',
    batchId: 'batch-1',
    host,
    generation: Generation.parse(1),
    accesses: [{ digest: digestOf('a'), day, count: 3, lastAt: world.clock.now(), hits: 2 }],
    ...over,
  };
}

const uses = async (world: FleetWorld) =>
  (await loadAccesses(world.catalog, digestOf('a'), world.clock.now())).accessesLast30Days;

describe('reported accesses', () => {
  it('count once, however often and however many at a time the batch comes', async () => {
    const { world, host, deliver } = await worldWithHost();
    const envelope = host.sign(batch(world, host.id));
    await deliver(envelope, envelope);
    await deliver(envelope);
    expect(await uses(world)).toBe(3);
    expect(world.counted('AccessBatch', 'counted-before')).toBeGreaterThanOrEqual(1);
  });

  it('count once when the host signs the batch anew in its next life', async () => {
    const { world, host, deliver } = await worldWithHost();
    await deliver(host.sign(batch(world, host.id)));
    const reborn = await world.addHost('gpu-a');
    await deliver(reborn.sign(batch(world, host.id, { generation: reborn.session.generation })));
    expect(await uses(world)).toBe(3);
  });

  it('of two hosts add up', async () => {
    const { world, host, deliver } = await worldWithHost();
    const other = await world.addHost('gpu-b');
    await deliver(host.sign(batch(world, host.id)), other.sign(batch(world, other.id)));
    expect(await uses(world)).toBe(6);
  });

  it('of blobs that the catalog does not know are left out, and the others count', async () => {
    const { world, host, deliver } = await worldWithHost();
    const { accesses } = batch(world, host.id);
    const strange = { ...accesses[0]!, digest: digestOf('f') };
    await deliver(host.sign(batch(world, host.id, { accesses: [...accesses, strange] })));
    expect(await uses(world)).toBe(3);
    expect(world.counted('AccessReported', 'unknown-blob')).toBe(1);
  });

  it('that the host did not sign are refused, and those of an older life are dropped', async () => {
    const { world, host, deliver } = await worldWithHost();
    const envelope = host.sign(batch(world, host.id));
    const forged = { ...envelope, payload: envelope.payload.replace('"count":3', '"count":9') };
    expect((await deliver(forged)).batchItemFailures).toHaveLength(1);
    await world.addHost('gpu-a');
    expect((await deliver(envelope)).batchItemFailures).toEqual([]);
    expect(await uses(world)).toBe(0);
  });
});
