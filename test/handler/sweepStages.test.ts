import { describe, expect, it } from 'vitest';
import type { SweepShard } from '../../events/sweep-shard/v1.ts';
import { AccessMonthRow, queryAll, SWEEP_SHARDS, SweepStageRow } from '../../lib/catalog/index.ts';
import { listRuns } from '../../lib/operations/runs.ts';
import type { Digest, StorageClass } from '../../lib/shared/ids.ts';
import { DAY_MS } from '../../lib/shared/units.ts';
import { type Between, createInterruption } from '../support/interruption.ts';
import { createTieringWorld, seedOfShard0, type TieringWorld } from '../support/tieringWorld.ts';

const ARCHIVED = 'GLACIER';

/** A blob of shard 0. */
async function addOne(world: TieringWorld, from: number, ageDays: number, storageClass: StorageClass): Promise<Digest> {
  return (await world.addBlob(seedOfShard0(from), ageDays, storageClass)).digest;
}

async function read(world: TieringWorld, digest: Digest, reads: number): Promise<void> {
  const now = world.clock.now();
  const today = new Date(now).toISOString();
  const days = { [today.slice(8, 10)]: reads };
  const row = { digest, shard: 0, month: today.slice(0, 7), days, hits: 0, lastAt: now };
  await world.catalog.transact([AccessMonthRow.put(row, 'absent')]);
}

/** One blob to cool, one archived one that is read daily, one that is read daily where it is cheap to read, and one to leave alone. */
async function mixed(between?: Between, over: Parameters<typeof createTieringWorld>[2] = {}) {
  const world = await createTieringWorld(between, 'on', over);
  const cooling = await addOne(world, 1, 40, 'STANDARD');
  const archived = await addOne(world, 1000, 800, ARCHIVED);
  const hot = await addOne(world, 2000, 40, 'STANDARD');
  await addOne(world, 3000, 3, 'STANDARD');
  await read(world, archived, 40);
  await read(world, hot, 40);
  await world.refer(hot, 'flux', '1.0.0');
  await world.refer(cooling, 'old', '1.0.0');
  return { world, cooling, archived, hot };
}

const kindsOf = async (world: TieringWorld, digest: Digest) => (await world.actions(digest)).map(({ type }) => type);

async function stages(world: TieringWorld, shard = 0) {
  const items = await queryAll(world.catalog, { partition: `STAGES#${world.clock.now()}` });
  const rows = items.map((item) => SweepStageRow.parse(item).value).filter((one) => one.shard === shard);
  return new Map(rows.map((one) => [one.stage, one]));
}

/** The messages of shard 0 that wait, each delivered. */
async function step(world: TieringWorld): Promise<readonly { readonly queue: string; readonly body: unknown }[]> {
  const messages = await world.takeOutbox();
  for (const { queue, body } of messages) {
    if (queue === 'sweep' && (body as SweepShard).shard === 0) await world.deliver('sweep', body);
  }
  return messages;
}

describe('the stages of a sweep', () => {
  it('go one after the other in a shard: analysis, warming, lifecycle', async () => {
    const { world, cooling, archived } = await mixed();
    await world.fireSweep();
    await step(world);
    expect([await kindsOf(world, cooling), await kindsOf(world, archived)]).toEqual([[], []]);
    expect((await stages(world)).get('analysis')).toMatchObject({ blobs: 4, moves: 2, bytes: 400_000, placements: 2 });
    const [begun, ...others] = await step(world);
    expect(begun).toMatchObject({ queue: 'sweep', body: { stage: 'warming', shard: 0 } });
    expect(others).toEqual([]);
    expect([await kindsOf(world, cooling), await kindsOf(world, archived)]).toEqual([[], ['restore']]);
    expect((await stages(world)).get('warming')).toMatchObject({ blobs: 2, moves: 1, placements: 1 });
    const sent = await step(world);
    expect(sent.map(({ queue }) => queue).toSorted()).toEqual(['placement', 'restore', 'sweep']);
    expect(sent.find(({ queue }) => queue === 'placement')?.body).toMatchObject({ model: 'flux', version: '1.0.0' });
    expect(await kindsOf(world, cooling)).toEqual(['transition']);
    expect((await stages(world)).get('lifecycle')).toMatchObject({ blobs: 1, moves: 1, placements: 0 });
    expect((await step(world)).map(({ queue }) => queue)).toEqual(['transition']);
  });

  it('count each blob once, whichever stage decides about it', async () => {
    const { world } = await mixed();
    await world.fireSweep();
    await world.runSweep(2);
    const told = ['young-content', 'restore-begun', 'already-there', 'not-warming', 'sent-before', 'restore-under-way'];
    expect(told.map((reason) => world.counted('TierDecided', reason))).toEqual([1, 1, 4, 0, 0, 0]);
  });

  it('end with the analysis where nothing is to be done, without a message', async () => {
    const world = await createTieringWorld();
    await addOne(world, 1, 3, 'STANDARD');
    await world.fireSweep();
    await step(world);
    expect([...(await stages(world)).keys()].toSorted()).toEqual(['analysis', 'lifecycle', 'warming']);
    expect(await world.takeOutbox()).toEqual([]);
  });

  it('give what is read the budget before what is only cheaper elsewhere', async () => {
    const { world, cooling, archived } = await mixed(undefined, { sweepMostMoves: SWEEP_SHARDS });
    await world.fireSweep();
    await world.runSweep();
    expect([await kindsOf(world, archived), await kindsOf(world, cooling)]).toEqual([['restore'], []]);
    expect(world.counted('TierDecided', 'rate-reached')).toBe(1);
  });

  it('ask hosts once a run to hold what is read daily, and of no deprecated version', async () => {
    const { world, hot } = await mixed();
    await world.refer(hot, 'flux', '0.9.0', { deprecated: true });
    await world.fireSweep();
    const sent = await world.runSweep(3);
    expect(sent.filter(({ queue }) => queue === 'placement')).toMatchObject([{ body: { version: '1.0.0' } }]);
  });

  it('tell what a page has done also where it comes again before the stage has ended', async () => {
    const interruption = createInterruption();
    const warmed = async (cutAt: number) => {
      interruption.cutAt(0);
      const { world } = await mixed(interruption);
      await world.fireSweep();
      await step(world);
      const warming = (await world.takeOutbox()).find(({ body }) => (body as SweepShard).stage === 'warming');
      interruption.cutAt(cutAt, 'before');
      const first = await world.deliver('sweep', warming?.body);
      const calls = interruption.calls('before');
      interruption.cutAt(0);
      await world.deliver('sweep', warming?.body);
      return { first, calls, ended: (await stages(world)).get('warming') };
    };
    const { calls, ...whole } = await warmed(0);
    expect(whole).toMatchObject({ first: true, ended: { moves: 1, placements: 1 } });
    expect(await warmed(calls)).toMatchObject({ first: false, ended: { moves: 1, placements: 1 } });
  });

  it('are only looked at in a dry run', async () => {
    const world = await createTieringWorld(undefined, 'dry-run');
    const hot = await addOne(world, 1, 40, 'STANDARD');
    const idle = await addOne(world, 1000, 40, 'STANDARD');
    await read(world, hot, 40);
    await world.refer(hot, 'flux', '1.0.0');
    await world.fireSweep();
    expect(await world.runSweep()).toEqual([]);
    expect(await kindsOf(world, idle)).toEqual([]);
    expect((await stages(world)).get('analysis')).toMatchObject({ blobs: 2, moves: 1 });
    expect(world.counted('TierDecided', 'young-content')).toBe(1);
  });

  it('go on where they were when killed at any call, and set nothing going twice', async () => {
    const interruption = createInterruption();
    const undisturbed = await mixed(interruption);
    await undisturbed.world.fireSweep();
    interruption.cutAt(0);
    await undisturbed.world.runSweep();
    const calls = { before: interruption.calls('before'), after: interruption.calls('after') };
    expect(calls.before).toBeGreaterThan(100);
    for (const moment of ['before', 'after'] as const) {
      for (let nth = 1; nth <= calls[moment]; nth += moment === 'before' ? 7 : 2) {
        interruption.cutAt(0);
        const { world, cooling, archived } = await mixed(interruption);
        await world.fireSweep();
        interruption.cutAt(nth, moment);
        const sent = await world.runSweep();
        const at = `killed ${moment} call ${nth}`;
        expect(sent.map(({ queue }) => queue).toSorted(), at).toEqual(['placement', 'restore', 'transition']);
        expect([await kindsOf(world, cooling), await kindsOf(world, archived)], at).toEqual([
          ['transition'],
          ['restore'],
        ]);
        const ended = await stages(world);
        expect(ended.size, at).toBe(3);
        expect(ended.get('lifecycle')?.moves, at).toBe(1);
      }
    }
  });

  it('are reported with what each has done, also of a sweep that moved nothing', async () => {
    const { world } = await mixed();
    await world.fireSweep();
    await step(world);
    const [half] = (await listRuns(world.deps, { limit: 5 })).items;
    expect(half).toMatchObject({
      by: 'sweep',
      moves: 0,
      stages: [{ stage: 'analysis', shards: 1, of: 16, blobs: 4 }, {}, {}],
    });
    // As if nothing of it had ever been delivered again.
    await world.takeOutbox();
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    await world.runSweep();
    const [whole] = (await listRuns(world.deps, { limit: 5 })).items;
    expect(whole?.stages).toMatchObject([
      { stage: 'analysis', shards: 16, blobs: 4, moves: 2 },
      { stage: 'warming', shards: 16, moves: 1, placements: 1 },
      { stage: 'lifecycle', shards: 16, moves: 1 },
    ]);
    expect(whole?.moves).toBe(2);
  });
});
