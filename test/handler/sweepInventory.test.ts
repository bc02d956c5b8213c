import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createSweepInventoryHandler } from '../../functions/sweep-inventory/handler.ts';
import type { CatalogStore } from '../../lib/shared/ports/catalogStore.ts';
import { queryAll, SWEEP_SHARDS, SweepFindingRow, SweepStageRow } from '../../lib/catalog/index.ts';
import type { Digest } from '../../lib/shared/ids.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { testContext } from '../support/envelopes.ts';
import { endInventory, inventoryBatch, sweepInventory } from '../support/inventory.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

async function idleBlobs(world: TieringWorld, count: number): Promise<readonly Digest[]> {
  const digests: Digest[] = [];
  for (let seed = 0; seed < count; seed += 1) digests.push((await world.addBlob(seed, 40)).digest);
  return digests;
}

const idsOf = (messages: Awaited<ReturnType<TieringWorld['takeOutbox']>>): readonly string[] =>
  messages.flatMap(({ queue, body }) => (queue === 'transition' ? [(body as { actionId: string }).actionId] : []));

const findings = async ({ catalog, clock }: TieringWorld) => {
  const pages = Array.from({ length: SWEEP_SHARDS }, (_, shard) =>
    catalog.query({ partition: `FOUND#${clock.now()}#${shard}`, limit: 1000 }),
  );
  return (await Promise.all(pages)).flatMap(({ items }) => items.map((item) => SweepFindingRow.parse(item).value));
};

describe('a sweep over the inventory', () => {
  it('moves nothing before its end is told, and then as the chain of messages does: the same actions under the same ids', async () => {
    const [byMap, byMessages] = [await createTieringWorld(), await createTieringWorld()];
    const digests = await idleBlobs(byMap, 6);
    await idleBlobs(byMessages, 6);
    expect(await sweepInventory(byMap, digests.slice(0, 4))).toEqual({ 'young-content': 4 });
    expect(await sweepInventory(byMap, digests.slice(4))).toEqual({ 'young-content': 2 });
    expect(await byMap.runSweep()).toEqual([]);
    expect((await findings(byMap)).map(({ digest }) => digest).toSorted()).toEqual([...digests].toSorted());
    await endInventory(byMap);
    const sentByMap = idsOf(await byMap.runSweep());
    await byMessages.fireSweep();
    expect(sentByMap.toSorted()).toEqual(idsOf(await byMessages.runSweep()).toSorted());
    expect(sentByMap).toHaveLength(6);
    const actionsOf = async (world: TieringWorld) =>
      Promise.all(digests.map(async (digest) => (await world.actions(digest))[0]));
    const masked = (actions: Awaited<ReturnType<typeof actionsOf>>) =>
      actions.map((one) => ({ ...one, decidedAt: 0, expiresAt: 0 }));
    expect(masked(await actionsOf(byMap))).toEqual(masked(await actionsOf(byMessages)));
  });

  it('reports its stages as every sweep does', async () => {
    const [byMap, byMessages] = [await createTieringWorld(), await createTieringWorld()];
    const digests = await idleBlobs(byMap, 6);
    await idleBlobs(byMessages, 6);
    await sweepInventory(byMap, digests, 200_000);
    await endInventory(byMap);
    await byMap.runSweep();
    await byMessages.fireSweep();
    await byMessages.runSweep();
    const stages = async ({ catalog, clock }: TieringWorld) =>
      (await queryAll(catalog, { partition: `STAGES#${clock.now()}` })).map((item) => SweepStageRow.parse(item).value);
    const told = await stages(byMap);
    expect(told).toEqual(await stages(byMessages));
    expect(told).toHaveLength(3 * SWEEP_SHARDS);
  });

  it('leads to the transition of the blobs, through the queue and the function of every sweep', async () => {
    const world = await createTieringWorld();
    const [digest] = await idleBlobs(world, 1);
    await sweepInventory(world, [digest!]);
    await endInventory(world);
    await world.run();
    expect((await world.blob(digest!)).origin.storageClass).toBe('STANDARD_IA');
  });

  it('ends once however often that is told, and passes over what a late batch finds', async () => {
    const world = await createTieringWorld();
    const digests = await idleBlobs(world, 4);
    await sweepInventory(world, digests.slice(1));
    await endInventory(world);
    expect(await world.runSweep()).toHaveLength(3);
    await endInventory(world);
    await sweepInventory(world, digests);
    await endInventory(world);
    expect(await world.runSweep()).toEqual([]);
  });

  it('passes over manifests of parts, foreign keys and blobs that are gone', async () => {
    const world = await createTieringWorld();
    const { digest } = await world.addBlob(1, 40);
    await world.forget(digest);
    const keys = [`blobs/${digest}`, `blobs/${digest}.parts`, 'blobs/readme%20%C3%A4.txt', `uploads/${digest}`];
    const answer = await createSweepInventoryHandler(world.deps)(inventoryBatch(world, keys), testContext());
    expect(answer).toEqual({ 'unknown-blob': 1 });
    expect(await findings(world)).toEqual([]);
  });

  it('finds and sends nothing twice when a batch runs again, as a redriven one does', async () => {
    const world = await createTieringWorld();
    const digests = await idleBlobs(world, 4);
    await Promise.all([sweepInventory(world, digests), sweepInventory(world, digests)]);
    await sweepInventory(world, digests);
    await endInventory(world);
    expect(await world.runSweep(2)).toHaveLength(4);
    const stages = await queryAll(world.catalog, { partition: `STAGES#${world.clock.now()}` });
    const analysed = stages.map((item) => SweepStageRow.parse(item).value).filter(({ stage }) => stage === 'analysis');
    expect(analysed.reduce((sum, { moves }) => sum + moves, 0)).toBe(4);
  });

  it('keeps to the moves and dollars of the run, together with the messages of the same moment', async () => {
    const world = await createTieringWorld(undefined, 'on', { sweepMostMoves: SWEEP_SHARDS });
    const digests = await idleBlobs(world, 120);
    const batches = Array.from({ length: 12 }, (_, index) => digests.slice(index * 10, index * 10 + 10));
    await Promise.all(batches.map((batch) => sweepInventory(world, batch)));
    await endInventory(world);
    await world.fireSweep();
    expect(idsOf(await world.runSweep())).toHaveLength(SWEEP_SHARDS);
  });

  it('fails a batch as a whole, but only after the others of it are done, when one blob cannot be decided about', async () => {
    let poison: string | undefined;
    const failing = (store: CatalogStore): CatalogStore => ({
      ...store,
      get: (key) =>
        poison !== undefined && key.partition === `BLOB#${poison}`
          ? Promise.reject(new Error('torn row'))
          : store.get(key),
    });
    const world = await createTieringWorld({ catalog: failing, objects: (store) => store });
    const digests = await idleBlobs(world, 4);
    poison = digests[1];
    await expect(sweepInventory(world, digests)).rejects.toThrow('1 blobs could not be decided about');
    expect(await findings(world)).toHaveLength(3);
    poison = undefined;
    expect(await sweepInventory(world, digests)).toEqual({ 'young-content': 4 });
    await endInventory(world);
    expect(await world.runSweep()).toHaveLength(4);
  });

  it('decides and writes nothing in a dry run, which ends with its analysis, and does nothing when sweeps are off', async () => {
    const dry = await createTieringWorld(undefined, 'dry-run');
    expect(await sweepInventory(dry, await idleBlobs(dry, 2))).toEqual({ 'young-content': 2 });
    await endInventory(dry);
    expect(await dry.takeOutbox()).toEqual([]);
    expect(await findings(dry)).toEqual([]);
    expect(await queryAll(dry.catalog, { partition: `STAGES#${dry.clock.now()}` })).toHaveLength(3 * SWEEP_SHARDS);
    const off = await createTieringWorld(undefined, 'off');
    expect(await sweepInventory(off, await idleBlobs(off, 2))).toEqual({});
    await endInventory(off);
    expect(await off.takeOutbox()).toEqual([]);
  });

  it('analyses and begins nothing while nothing is in force', async () => {
    const world = await createTieringWorld(undefined, 'on', {}, false);
    expect(await sweepInventory(world, await idleBlobs(world, 2))).toEqual({});
    await endInventory(world);
    expect(await world.takeOutbox()).toEqual([]);
  });

  it('is the envelope of the sample, and nothing else', async () => {
    const world = await createTieringWorld();
    const handler = createSweepInventoryHandler(world.deps);
    const sample = (name: string): unknown =>
      JSON.parse(readFileSync(`events/aws/inventoryBatch.v1.${name}.json`, 'utf8'));
    expect(await handler(sample('sample'), testContext())).toEqual({ 'unknown-blob': 1 });
    await expect(handler(sample('no-moment.invalid'), testContext())).rejects.toThrow('no batch of an inventory');
    const end = (name: string): unknown => JSON.parse(readFileSync(`events/aws/inventoryEnd.v1.${name}.json`, 'utf8'));
    expect(await handler(end('sample'), testContext())).toEqual({});
    await expect(handler(end('no-moment.invalid'), testContext())).rejects.toThrow('no batch of an inventory');
  });
});

describe('the start of a sweep over very many blobs', () => {
  async function manyBlobs(between?: Parameters<typeof createTieringWorld>[0]) {
    const world = await createTieringWorld(between, 'on', { sweepInventoryFrom: 1 });
    for (let seed = 0; seed < 40; seed += 1) await world.addBlob(seed, 40);
    return world;
  }

  it('starts one run over the inventory, and no chain of messages', async () => {
    const world = await manyBlobs();
    const at = world.clock.now();
    const started = world.sweepOverInventories();
    await world.fireSweep(at);
    await world.fireSweep(at);
    const sweepId = `sweep-${at}`;
    expect(started).toEqual([[sweepId, { sweepId, scheduledAt: at, correlationId: sweepId }]]);
    expect(await world.takeOutbox()).toEqual([]);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    expect(started).toHaveLength(2);
  });

  it('asks again under the same name when it could not be told that it was started', async () => {
    const world = await manyBlobs();
    const started = world.sweepOverInventories(1);
    await expect(world.fireSweep()).rejects.toThrow('no answer');
    await world.fireSweep();
    expect(new Set(started.map(([name]) => name)).size).toBe(1);
    expect(started).toHaveLength(2);
  });

  it('is by messages where there is no inventory', async () => {
    const world = await manyBlobs();
    await world.fireSweep();
    expect(await world.takeOutbox()).toHaveLength(SWEEP_SHARDS);
  });
});
