import { describe, expect, it } from 'vitest';
import { RESTORE_DELAYS } from '../../lib/adapters/embedded/objectRestores.ts';
import {
  AccessMonthRow,
  BlobRow,
  ReplicaRow,
  ServiceLevelRow,
  shardOf,
  SWEEP_SHARDS,
  SweepRunRow,
} from '../../lib/catalog/index.ts';
import { listRuns } from '../../lib/operations/runs.ts';
import { compileRates, DOLLARS, replayTier, TIER_RULES } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { partHash } from '../../lib/shared/digest.ts';
import { Digest, HostId, hostLocation, ModelName } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS } from '../../lib/shared/units.ts';
import { blobOf } from '../support/fleetWorld.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

async function addHostCopy(world: TieringWorld, digest: Digest, over: object) {
  const host = HostId.parse('gpu-a');
  await world.catalog.transact([
    ReplicaRow.put(
      {
        digest,
        location: hostLocation('nvme', host),
        host: { id: host, generation: 1 },
        state: 'verified',
        bytes: Bytes.parse(1),
        versionId: 'v',
        pinned: false,
        checkedAt: world.clock.now(),
        ...over,
      },
      'absent',
    ),
  ]);
}

describe('the daily sweep', () => {
  it('starts once however often its moment fires, with one message per shard', async () => {
    const world = await createTieringWorld();
    const at = world.clock.now();
    await world.fireSweep(at);
    await world.fireSweep(at);
    const messages = await world.takeOutbox();
    expect(messages.map(({ body }) => (body as { shard: number }).shard).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: SWEEP_SHARDS }, (_, shard) => shard),
    );
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    expect(await world.takeOutbox()).toHaveLength(SWEEP_SHARDS);
  });

  it('moves an idle blob to the class that the rules name, and explains it with dollars that replay', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    await world.fireSweep();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({
      origin: { storageClass: 'STANDARD_IA', location: 's3:eu-west-1:STANDARD_IA' },
      tier: 'warm',
      previousTier: 'hot',
      transitionedAt: world.clock.now(),
    });
    const [action] = await world.actions(blob.digest);
    const rates = compileRates(shippedPriceBook());
    expect(action).toMatchObject({
      type: 'transition',
      state: 'done',
      reason: 'young-content',
      chosen: 'transition STANDARD_IA',
      policy: `rules-2 ${rates.prices.id}`,
      outcome: { code: 'switched' },
    });
    expect(action?.alternatives.map((one) => one.action)).toContain('keep STANDARD');
    expect(replayTier(action!.inputs, TIER_RULES, rates)).toMatchObject({
      action: 'transition',
      to: 'STANDARD_IA',
      reason: action!.reason,
    });
  });

  it.each([
    ['new content', 3, 'STANDARD', 'already-there'],
    ['what left its class lately', 10, 'STANDARD_IA', 'already-there'],
    ['archived content that is not old enough for the archive', 400, 'GLACIER', 'needs-restore'],
  ] as const)('leaves %s where it is', async (_name, ageDays, storageClass, reason) => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, ageDays, storageClass);
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', reason)).toBe(1);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
    expect(await world.actions(blob.digest)).toEqual([]);
  });

  it.each([
    ['a host is filling from it', { state: 'reserved' }],
    ['a host has pinned it', { pinned: true }],
  ])('leaves a blob where it is while %s', async (_name, over) => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    await addHostCopy(world, blob.digest, over);
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', 'held')).toBe(1);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
  });

  it('leaves a blob where it is while a version that needs it is under a legal hold', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 40);
    await world.refer(blob.digest, 'flux', '1.0.0', { hold: { reason: 'case 7', since: world.clock.now() } });
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', 'held')).toBe(1);
    expect((await world.blob(blob.digest)).origin).toEqual(blob.origin);
  });

  it('spends no more than the budget of its shard, and goes on with the next sweep', async () => {
    const world = await createTieringWorld(undefined, 'on', { sweepBudgetUsd: 16 * 2.5 * COPY_USD });
    const moved = await sweepOneShard(world, 5);
    expect(moved).toBe(2);
    expect(world.counted('TierDecided', 'budget-spent')).toBe(3);
    const [run] = (await listRuns(world.deps, { limit: 1 })).items;
    const lifecycle = run?.stages?.at(-1);
    expect(lifecycle).toMatchObject({ moves: 2, left: 3 });
    expect(lifecycle?.leftUsd).toBeCloseTo(3 * COPY_USD, 12);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    await world.run();
    // What waited is kept for, beside an equal part of the rest.
    expect(world.counted('TierDecided', 'young-content')).toBe(5);
  });

  it('sets no more moves going than its rate allows, also when its pages come again', async () => {
    const world = await createTieringWorld(undefined, 'on', { sweepMostMoves: 16 * 3 });
    await fillOneShard(world, 5);
    await world.fireSweep();
    const sent = await world.runSweep(2);
    expect(sent.filter(({ queue }) => queue === 'transition')).toHaveLength(3);
    const [run] = (await listRuns(world.deps, { limit: 1 })).items;
    expect(run?.stages?.at(-1)).toMatchObject({ moves: 3, left: 2 });
  });

  it('by dollars leaves young content to Intelligent-Tiering and archives what is retired and whose readers can wait', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const [unknown, retired] = [await world.addBlob(1, 40), await world.addBlob(2, 40)];
    await world.refer(unknown.digest, 'flux', '2.0.0');
    await world.refer(retired.digest, 'flux-old', '1.0.0', { deprecated: true });
    const level = { restoreToleranceMs: 2 * DAY_MS, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put({ model: ModelName.parse('flux-old'), ...level }, 'absent')]);
    await enlarge(world, [unknown.digest, retired.digest]);
    await world.fireSweep();
    const sent = await transitionsOf(world);
    expect(sent.get(unknown.digest)).toBe('INTELLIGENT_TIERING');
    expect(sent.get(retired.digest)).toBe('DEEP_ARCHIVE');
    const [action] = await world.actions(retired.digest);
    const facts = JSON.parse(action!.inputs).facts;
    expect(facts).toMatchObject({ knownReadsPerDay: 2 / 365, restoreToleranceMs: 2 * DAY_MS });
    expect(replayTier(action!.inputs, DOLLARS, compileRates(shippedPriceBook()))).toMatchObject({ to: 'DEEP_ARCHIVE' });
  });

  it('by dollars restores no archived bytes only to archive them elsewhere', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const retired = await world.addBlob(1, 400, 'GLACIER');
    await world.refer(retired.digest, 'flux-old', '1.0.0', { deprecated: true });
    const level = { restoreToleranceMs: 2 * DAY_MS, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put({ model: ModelName.parse('flux-old'), ...level }, 'absent')]);
    await enlarge(world, [retired.digest]);
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', 'needs-restore')).toBe(1);
    expect(world.counted('TierDecided', 'restore-begun')).toBe(0);
  });

  it('by rules keeps cold what one of its models promised within a minute', async () => {
    const world = await createTieringWorld(undefined, 'on');
    const [promised, patient] = [await world.addBlob(1, 800), await world.addBlob(2, 800)];
    await world.refer(promised.digest, 'flux', '1.0.0');
    await world.refer(promised.digest, 'flux-old', '1.0.0');
    await world.refer(patient.digest, 'flux-old', '2.0.0');
    const level = { restoreToleranceMs: 60_000, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put({ model: ModelName.parse('flux'), ...level }, 'absent')]);
    await world.fireSweep();
    const sent = await transitionsOf(world);
    expect(sent.get(promised.digest)).toBe('GLACIER_IR');
    expect(sent.get(patient.digest)).toBe('GLACIER');
  });

  it('begins a restore for an archived blob that is read again, within the budget, and moves it when it can be read', async () => {
    const world = await createTieringWorld(undefined, 'on');
    const blob = await world.addBlob(1, 800, 'GLACIER');
    await readDaily(world, blob.digest);
    await world.fireSweep();
    await world.run();
    expect(world.counted('TierDecided', 'restore-begun')).toBe(1);
    expect(await world.restore(blob.digest)).toMatchObject({ tier: 'bulk', to: 'STANDARD' });
    await world.clock.advance(RESTORE_DELAYS.bulk);
    await world.tellRestores();
    await world.run();
    expect((await world.blob(blob.digest)).origin.storageClass).toBe('STANDARD');
  });

  it('reserves the fee of a restore once', async () => {
    const world = await createTieringWorld(undefined, 'on');
    const { digest } = await world.addBlob(1, 800, 'DEEP_ARCHIVE');
    const row = (await BlobRow.get(world.catalog, digest))!;
    await world.catalog.transact([
      BlobRow.put({ ...row.value, size: Bytes.parse(100 * 2 ** 30) }, { version: row.version }),
    ]);
    await readDaily(world, digest);
    const at = String(world.clock.now());
    await world.fireSweep();
    await world.runSweep();
    expect(world.counted('TierDecided', 'restore-begun')).toBe(1);
    const run = await SweepRunRow.get(world.catalog, at, shardOf(digest, SWEEP_SHARDS));
    // $0.0025 a GiB by the bulk restore, and the requests of a copy.
    expect(run?.value.reservedUsd).toBeGreaterThan(0.25);
    expect(run?.value.reservedUsd).toBeLessThan(0.26);
  });

  it.each([
    ['rules', 800, 'GLACIER_IR'],
    ['rules', 400, 'GLACIER_IR'],
    ['lifecycle', 800, 'GLACIER_IR'],
    ['lifecycle', 40, 'STANDARD_IA'],
  ] as const)(
    'by %s brings back what is archived since %i days when less is promised, and leaves what is not',
    async (tierPolicy, ageDays, to) => {
      const world = await createTieringWorld(undefined, 'on', { tierPolicy });
      const [promised, patient] = [
        await world.addBlob(1, ageDays, 'GLACIER'),
        await world.addBlob(2, ageDays, 'GLACIER'),
      ];
      await world.refer(promised.digest, 'flux', '1.0.0');
      await world.refer(patient.digest, 'flux-old', '1.0.0');
      const promise = (model: string, restoreToleranceMs: number) =>
        ServiceLevelRow.put(
          { model: ModelName.parse(model), restoreToleranceMs, updatedAt: world.clock.now() },
          'absent',
        );
      await world.catalog.transact([promise('flux', 60_000), promise('flux-old', 2 * DAY_MS)]);
      await world.fireSweep();
      await world.run();
      expect(await world.restore(promised.digest)).toMatchObject({ tier: 'bulk', to });
      expect((await world.actions(promised.digest))[0]).toMatchObject({ type: 'restore', reason: 'restore-too-slow' });
      await world.clock.advance(RESTORE_DELAYS.bulk);
      await world.tellRestores();
      await world.run();
      expect((await world.blob(promised.digest)).origin.storageClass).toBe(to);
      expect((await world.blob(patient.digest)).origin).toEqual(patient.origin);
      await world.fireSweep();
      await world.run();
      expect(world.counted('TierDecided', 'restore-begun')).toBe(1);
    },
  );

  it('by lifecycle brings back what one model promised though another promised nothing, and never what is held', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'lifecycle' });
    const [shared, held] = [await world.addBlob(1, 800, 'GLACIER'), await world.addBlob(2, 800, 'GLACIER')];
    await world.refer(shared.digest, 'flux', '1.0.0');
    await world.refer(shared.digest, 'flux-old', '1.0.0');
    await world.refer(held.digest, 'flux', '2.0.0', { hold: { reason: 'case 7', since: world.clock.now() } });
    const level = { restoreToleranceMs: 60_000, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put({ model: ModelName.parse('flux'), ...level }, 'absent')]);
    await world.fireSweep();
    await world.run();
    expect(await world.restore(shared.digest)).toMatchObject({ to: 'GLACIER_IR' });
    expect(await world.restore(held.digest)).toBeUndefined();
    expect(world.counted('TierDecided', 'held')).toBe(1);
  });

  it('sends nothing twice when a page is delivered twice, and waits for a transition that is under way', async () => {
    const world = await createTieringWorld();
    await world.addBlob(1, 40);
    await world.fireSweep();
    const transitions = await world.runSweep(2);
    expect(world.counted('TierDecided', 'young-content')).toBe(1);
    expect(transitions.map(({ queue }) => queue)).toEqual(['transition']);
    await world.deliver('transition', transitions[0]!.body);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    await world.runSweep();
    expect(world.counted('TierDecided', 'transition-under-way')).toBe(1);
  });

  it('reaches every blob of a shard larger than its pages, each once', async () => {
    const world = await createTieringWorld();
    const now = world.clock.now();
    const digests = Array.from({ length: 2500 }, (_, seed) => Digest.parse(partHash(Buffer.from(`blob ${seed}`))));
    const ofOneShard = digests.filter((digest) => shardOf(digest, SWEEP_SHARDS) === 5);
    for (const digest of ofOneShard) {
      await world.catalog.transact([BlobRow.put({ ...blobOf('a', now), digest }, 'absent')]);
    }
    expect(ofOneShard.length).toBeGreaterThan(110);
    await world.fireSweep();
    expect(await world.run()).toBe(SWEEP_SHARDS + Math.ceil(ofOneShard.length / 50) - 1);
    expect(world.counted('TierDecided', 'already-there')).toBe(ofOneShard.length);
  });
});

/** What moving one of the world's blobs into STANDARD_IA costs: a copy and what reads it. */
const COPY_USD = 0.00001 + 0.0000004;

/** Blobs of one shard that all want to move. */
async function fillOneShard(world: TieringWorld, blobs: number): Promise<void> {
  let found = 0;
  for (let seed = 0; found < blobs; seed += 1) {
    const blob = await world.addBlob(seed, 40);
    if (shardOf(blob.digest, SWEEP_SHARDS) === 0) found += 1;
    else await world.forget(blob.digest);
  }
}

async function sweepOneShard(world: TieringWorld, blobs: number): Promise<number> {
  await fillOneShard(world, blobs);
  await world.fireSweep();
  await world.run();
  return world.counted('TierDecided', 'young-content');
}

/** As large as a real model, so that dollars matter; its bytes in the bucket do not. */
async function enlarge(world: TieringWorld, digests: readonly Digest[]): Promise<void> {
  for (const digest of digests) {
    const row = await BlobRow.get(world.catalog, digest);
    const size = Bytes.parse(10_000_000_000);
    await world.catalog.transact([BlobRow.put({ ...row!.value, size }, { version: row!.version })]);
  }
}

async function transitionsOf(world: TieringWorld): Promise<ReadonlyMap<string, string>> {
  const messages = (await world.runSweep()).filter(({ queue }) => queue === 'transition');
  return new Map(messages.map(({ body }) => [(body as { digest: string }).digest, (body as { to: string }).to]));
}

async function readDaily(world: TieringWorld, digest: Digest): Promise<void> {
  const now = world.clock.now();
  const today = new Date(now).toISOString();
  const row = { digest, shard: 0, month: today.slice(0, 7), days: { [today.slice(8, 10)]: 40 }, hits: 0, lastAt: now };
  await world.catalog.transact([AccessMonthRow.put(row, 'absent')]);
}
