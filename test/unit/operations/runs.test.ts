import { describe, expect, it } from 'vitest';
import { BlobRow, shardOf, SWEEP_SHARDS } from '../../../lib/catalog/index.ts';
import { listRunMoves, listRuns } from '../../../lib/operations/runs.ts';
import { applyTier } from '../../../lib/operations/tiers.ts';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import type { CatalogStore } from '../../../lib/shared/ports/catalogStore.ts';
import { DAY_MS, EpochMs } from '../../../lib/shared/units.ts';
import { createTieringWorld } from '../../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const LIMITS = {
  action: 'transition',
  policy: 'rules',
  budgetUsd: 1,
  mostMoves: 10,
  dryRun: false,
  to: 'STANDARD_IA',
} as const;

describe('the runs that moved objects', () => {
  it('are sweeps and plans, the newest first, each with all of its shards', async () => {
    const world = await createTieringWorld();
    for (let seed = 0; seed < 6; seed += 1) await world.addBlob(seed, 40);
    await world.fireSweep();
    await world.run();
    const sweep = String(world.clock.now());
    const late = await world.addBlob(9, 40);
    await world.clock.advance(DAY_MS);
    await applyTier({ ...world.deps, rates }, { ...LIMITS, digest: late.digest, runId: 'plan-1' });
    const { items } = await listRuns(world.deps, { limit: 10 });
    expect(items).toMatchObject([
      { runId: 'plan-1', by: 'plan', moves: 1, bytes: 200_000, budgetUsd: 1 },
      { runId: sweep, by: 'sweep', moves: 6, bytes: 1_200_000 },
    ]);
    expect((await listRuns(world.deps, { limit: 1 })).items).toHaveLength(1);
    expect((await listRuns(world.deps, { limit: 1, runId: sweep })).items).toMatchObject([{ moves: 6 }]);
    expect((await listRuns(world.deps, { limit: 1, runId: 'no-run' })).items).toEqual([]);
  });

  it('have their moves that ended: one that failed leaves the others, and what is under way is not among them', async () => {
    const world = await createTieringWorld();
    const blobs = await Promise.all([1, 2, 3].map((seed) => world.addBlob(seed, 40)));
    const [lost, , open] = blobs;
    await world.fireSweep();
    const transitions = await world.runSweep();
    await world.objects.remove(`blobs/${lost!.digest}`, lost!.origin.versionId);
    for (const { body } of transitions) {
      if ((body as { digest: string }).digest !== open!.digest) await world.deliver('transition', body);
    }
    await world.clock.advance(30 * DAY_MS);
    const runId = (await listRuns(world.deps, { limit: 1 })).items[0]!.runId;
    const items: Awaited<ReturnType<typeof listRunMoves>>['items'] = [];
    let nextToken: string | undefined;
    do {
      const page = await listRunMoves(world.deps, {
        runId,
        limit: 1,
        ...(nextToken === undefined ? {} : { nextToken }),
      });
      items.push(...page.items);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(items.map(({ code, state }) => `${code} ${state}`).sort()).toEqual([
      'source-absent failed',
      'switched done',
    ]);
    const done = items.find(({ state }) => state === 'done');
    expect(done?.measured?.until).toBe(world.clock.now());
    expect(done?.measured?.realisedUsd).toBeCloseTo(done?.measured?.predictedUsd ?? 0, 6);
  });
});

describe('a page of moves', () => {
  it('has them in the order of their shards and digests, whatever is read first', async () => {
    const world = await createTieringWorld();
    for (let seed = 0; seed < 60; seed += 1) await world.addBlob(seed, 40);
    await world.fireSweep();
    await world.run();
    const [run] = (await listRuns(world.deps, { limit: 1 })).items;
    let reads = 0;
    const catalog: CatalogStore = {
      ...world.catalog,
      async get(key) {
        reads += 1;
        for (let waits = 0; waits < (reads * 7) % 30; waits += 1) await Promise.resolve();
        return world.catalog.get(key);
      },
    };
    const digests: string[] = [];
    for (let nextToken: string | undefined = '0'; nextToken !== undefined; ) {
      const page = await listRunMoves({ ...world.deps, catalog }, { runId: run!.runId, limit: 60, nextToken });
      digests.push(...page.items.map(({ digest }) => digest));
      nextToken = page.nextToken;
    }
    expect(digests).toHaveLength(60);
    const place = (digest: string) => `${shardOf(digest, SWEEP_SHARDS).toString().padStart(2, '0')}${digest}`;
    expect(digests).toEqual(digests.toSorted((one, other) => (place(one) < place(other) ? -1 : 1)));
  });
});

describe('a sweep', () => {
  it('goes on behind a blob that it cannot decide about, and fails its page in the end', async () => {
    const world = await createTieringWorld();
    const blobs = await Promise.all([1, 2, 3, 4].map((seed) => world.addBlob(seed, 40)));
    const broken = (await BlobRow.get(world.catalog, blobs[0]!.digest))!;
    const put = BlobRow.put(broken.value, { version: broken.version });
    if (put.kind !== 'put') throw new Error('no put');
    const item = { ...put.item, body: { ...put.item.body, v: 99 } };
    await world.catalog.transact([{ ...put, item }]);
    await world.fireSweep(EpochMs.parse(world.clock.now()));
    const sent = (await world.takeOutbox()).filter(({ queue }) => queue === 'sweep');
    const answers = await Promise.all(sent.map(({ body }) => world.deliver('sweep', body)));
    expect(answers.filter((ok) => !ok)).toHaveLength(1);
    expect(await world.runSweep()).toHaveLength(3);
  });
});
