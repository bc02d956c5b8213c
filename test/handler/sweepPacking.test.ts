import { describe, expect, it } from 'vitest';
import { TransitionReplica } from '../../events/transition-replica/v1.ts';
import { AccessMonthRow, ActionRow, type Blob, BlobRow, ModelRow, ServiceLevelRow } from '../../lib/catalog/index.ts';
import { applyTier, explainTiers } from '../../lib/operations/tiers.ts';
import { compileRates, DOLLARS, replayTier, TIER_RULES } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { ActionId, type Digest, ModelName, SemVer, type StorageClass } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, HOUR_MS, MIB } from '../../lib/shared/units.ts';
import { addWhole, noise, weights } from '../support/packableBlob.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
/** Blobs of tests are small: the rule's size is lowered, its ratio is not. */
const PACKS = { tierPacking: 'on', packAboveBytes: 100_000 } as const;
const MODEL = ModelName.parse('flux');

type Over = Parameters<typeof createTieringWorld>[2];

interface Given {
  readonly over?: Over;
  readonly bytes?: Buffer;
  readonly storageClass?: StorageClass;
  readonly ageDays?: number;
  /** Estimated. */
  readonly ratio?: number;
}

/** A world with one blob that nobody has read for 40 days, and a version that needs it. */
async function idle({
  over = PACKS,
  bytes = weights(1),
  storageClass = 'STANDARD',
  ageDays = 40,
  ratio = 0.6,
}: Given = {}) {
  const world = await createTieringWorld(undefined, 'on', over);
  const { digest } = await addWhole(world, bytes, storageClass, ageDays);
  await edit(world, digest, { compressibility: { encoding: 'byteplane-zstd-1', ratio, sampledBytes: Bytes.parse(1) } });
  await world.refer(digest, MODEL, '1.0.0');
  return { world, digest };
}

async function edit(world: TieringWorld, digest: Digest, over: Partial<Blob>): Promise<void> {
  const row = (await BlobRow.get(world.catalog, digest))!;
  await world.catalog.transact([BlobRow.put({ ...row.value, ...over }, { version: row.version })]);
}

async function sweep(world: TieringWorld, afterMs = 0): Promise<void> {
  await world.clock.advance(afterMs);
  await world.fireSweep();
  await world.run();
}

async function promise(world: TieringWorld, level: object): Promise<void> {
  const row = ServiceLevelRow.put({ model: MODEL, updatedAt: world.clock.now(), ...level }, 'absent');
  await world.catalog.transact([row]);
}

describe('a sweep by rules', () => {
  it('packs what is idle and compressible in the step that moves it, with a receipt that replays', async () => {
    const { world, digest } = await idle();
    await sweep(world);
    const { origin } = await world.blob(digest);
    expect(origin).toMatchObject({ storageClass: 'STANDARD_IA', location: 's3:eu-west-1:STANDARD_IA:packed' });
    expect(origin.packed?.bytes).toBeLessThan(0.7 * 200_000);
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ reason: 'compressible', chosen: 'pack STANDARD_IA', outcome: { code: 'switched' } });
    expect(action?.alternatives.map((one) => one.action)).toEqual(
      expect.arrayContaining(['keep STANDARD', 'transition STANDARD_IA', 'pack STANDARD_IA']),
    );
    expect(replayTier(action!.inputs, TIER_RULES, rates)).toMatchObject({ action: 'pack', to: 'STANDARD_IA' });
    await sweep(world, DAY_MS);
    expect(await world.actions(digest)).toHaveLength(1);
  });

  it('packs in its class what stays there', async () => {
    const { world, digest } = await idle({ storageClass: 'STANDARD_IA' });
    await sweep(world);
    expect((await world.blob(digest)).origin).toMatchObject({ storageClass: 'STANDARD_IA', packed: {} });
  });

  it('does not, where packing is off, where it only says so, and under its size', async () => {
    for (const [over, counted] of [
      [{ ...PACKS, tierPacking: 'off' }, 'young-content'],
      [{ ...PACKS, tierPacking: 'dry-run' }, 'young-content'],
      [{ ...PACKS, packAboveBytes: 200_000 }, 'young-content'],
    ] as const) {
      const { world, digest } = await idle({ over });
      await sweep(world);
      expect((await world.blob(digest)).origin).toMatchObject({ storageClass: 'STANDARD_IA' });
      expect((await world.blob(digest)).origin.packed).toBeUndefined();
      expect(world.counted('TierDecided', counted)).toBe(1);
    }
    const { world } = await idle({ over: { ...PACKS, tierPacking: 'dry-run' }, storageClass: 'STANDARD_IA' });
    await sweep(world);
    expect(world.counted('TierDecided', 'would-pack')).toBe(1);
  });

  it('is not begun again by another sweep or plan while it is under way', async () => {
    const { world, digest } = await idle({ storageClass: 'STANDARD_IA' });
    await world.fireSweep();
    const [first] = await world.runSweep();
    await world.clock.advance(HOUR_MS);
    await world.fireSweep();
    expect(await world.runSweep()).toEqual([]);
    const plan = { policy: 'rules', runId: 'run-1', budgetUsd: 1, mostMoves: 10, dryRun: false } as const;
    const wish = { ...plan, digest, to: 'STANDARD_IA', action: 'pack' } as const;
    expect(await applyTier({ ...world.deps, rates }, wish)).toMatchObject({ reason: 'transition-under-way' });
    expect(world.counted('TierDecided', 'transition-under-way')).toBe(1);
    // However many commands to hosts came after it.
    const [packing] = await world.actions(digest);
    for (let host = 0; host < 150; host += 1) {
      const actionId = ActionId.parse(`prefetch-host-${host}`);
      const action = {
        ...packing!,
        actionId,
        type: 'prefetch',
        chosen: 'prefetch',
        decidedAt: world.clock.now(),
      } as const;
      await world.catalog.transact([ActionRow.put(action, 'absent')]);
    }
    expect(await applyTier({ ...world.deps, rates }, wish)).toMatchObject({ reason: 'transition-under-way' });
    // Once its action has expired without an end, it is decided anew.
    await world.clock.advance(DAY_MS);
    expect(await applyTier({ ...world.deps, rates }, wish)).toMatchObject({ reason: 'compressible' });
    await world.deliver('transition', first?.body);
    await world.run();
    expect((await world.blob(digest)).origin.packed).toBeDefined();
  });

  it('does not try again what has turned out to get hardly smaller', async () => {
    const { world, digest } = await idle({ bytes: noise(), storageClass: 'STANDARD_IA' });
    await sweep(world);
    expect((await world.actions(digest))[0]?.outcome).toMatchObject({ code: 'hardly-smaller' });
    expect((await world.blob(digest)).origin.packed).toBeUndefined();
    await sweep(world, DAY_MS);
    expect(await world.actions(digest)).toHaveLength(1);
    expect(world.counted('TierDecided', 'already-there')).toBe(1);
  });

  it('does not where somebody was promised less than unpacking takes', async () => {
    const { world, digest } = await idle({ storageClass: 'STANDARD_IA' });
    await promise(world, { restoreToleranceMs: 30_000 });
    await sweep(world);
    expect((await world.blob(digest)).origin.packed).toBeUndefined();
  });

  it('keeps to the dollars and the number of moves of its run', async () => {
    for (const [over, reason] of [
      [{ sweepMostMoves: 0 }, 'rate-reached'],
      [{ sweepBudgetUsd: 0.000_001 }, 'above-budget'],
    ] as const) {
      const { world, digest } = await idle({ over: { ...PACKS, ...over } });
      await sweep(world);
      expect(world.counted('TierDecided', reason)).toBe(1);
      expect((await world.blob(digest)).origin.packed).toBeUndefined();
    }
  });

  it('moves what is packed as it is, and unpacks it when it is read often or promised sooner', async () => {
    const { world, digest } = await idle();
    await sweep(world);
    await sweep(world, 365 * DAY_MS);
    const cold = (await world.blob(digest)).origin;
    expect(cold).toMatchObject({ storageClass: 'GLACIER_IR', packed: {} });
    await world.clock.advance(16 * 60_000);
    await world.run();
    await promise(world, { restoreToleranceMs: 0 });
    await sweep(world, DAY_MS);
    const warm = await world.blob(digest);
    expect(warm.origin).toMatchObject({
      storageClass: 'GLACIER_IR',
      versionId: expect.not.stringContaining(cold.versionId),
    });
    expect(warm.origin.packed).toBeUndefined();
    expect((await world.actions(digest)).map(({ reason }) => reason)).toContain('promise');
  });

  it('unpacks into STANDARD what is read every day', async () => {
    const { world, digest } = await idle();
    await sweep(world);
    const at = world.clock.now();
    const days = Object.fromEntries([...Array(28)].map((_, day) => [String(day + 1).padStart(2, '0'), 2]));
    const month = new Date(at - 14 * DAY_MS).toISOString().slice(0, 7);
    await world.catalog.transact([
      AccessMonthRow.put({ digest, shard: 0, month, days, hits: 56, lastAt: EpochMs.parse(at - HOUR_MS) }, 'absent'),
    ]);
    await sweep(world, DAY_MS);
    const { origin } = await world.blob(digest);
    expect([origin.storageClass, origin.packed]).toEqual(['STANDARD', undefined]);
  });
});

describe('a sweep by dollars', () => {
  const DOLLAR_SWEEP = { ...PACKS, tierPolicy: 'dollars' } as const;

  /** As large as it pays for; answers what is sent to the executor. */
  async function sent(world: TieringWorld, digest: Digest): Promise<readonly TransitionReplica[]> {
    await edit(world, digest, { size: Bytes.parse(6_000_000_000), partSize: Bytes.parse(64 * MIB) });
    await world.fireSweep();
    return (await world.runSweep()).map(({ body }) => TransitionReplica.parse(body));
  }

  it('packs what is known to be hardly read where readers can wait, and its receipt replays', async () => {
    const { world, digest } = await idle({ over: DOLLAR_SWEEP });
    await promise(world, { readsPerDay: 0, restoreToleranceMs: HOUR_MS });
    const [message] = await sent(world, digest);
    expect(message).toMatchObject({ digest, to: 'GLACIER_IR', encoding: 'byteplane-zstd-1' });
    expect(message?.belowRatio).toBeGreaterThan(0.6);
    const [action] = await world.actions(digest);
    expect(action).toMatchObject({ reason: 'cheaper-packed', chosen: 'pack GLACIER_IR' });
    expect(replayTier(action!.inputs, DOLLARS, rates)).toMatchObject({
      action: 'pack',
      to: 'GLACIER_IR',
      belowRatio: message?.belowRatio,
    });
  });

  it('does not where nobody knows the reads, or nobody said that readers wait', async () => {
    for (const level of [{ restoreToleranceMs: HOUR_MS }, { readsPerDay: 0 }]) {
      const { world, digest } = await idle({ over: DOLLAR_SWEEP });
      await promise(world, level);
      for (const message of await sent(world, digest)) expect(message.encoding).toBeUndefined();
      expect(world.counted('TierDecided', 'cheaper-packed')).toBe(0);
    }
  });
});

describe('a plan', () => {
  const LIMITS = { policy: 'rules', runId: 'run-1', budgetUsd: 1, mostMoves: 10, dryRun: false } as const;
  const configured = (world: TieringWorld, tierPacking: 'on' | 'dry-run' = 'on') => ({
    ...world.deps,
    configured: { ...world.deps.settings, tierPacking },
  });

  it('packs only what it has shown as packed, and nothing where packing is switched off', async () => {
    const { world, digest } = await idle();
    const apply = (action: 'transition' | 'pack', mode: 'on' | 'dry-run' = 'on') =>
      applyTier({ ...configured(world, mode), rates }, { ...LIMITS, digest, to: 'STANDARD_IA', action });
    expect(await apply('transition')).toMatchObject({ reason: 'decided-otherwise' });
    expect(await apply('pack', 'dry-run')).toMatchObject({ reason: 'would-pack' });
    expect(await world.actions(digest)).toHaveLength(0);
    expect(await apply('pack')).toMatchObject({ reason: 'compressible' });
    await world.run();
    expect((await world.blob(digest)).origin).toMatchObject({ storageClass: 'STANDARD_IA', packed: {} });
  });

  it('explains what packing would bring, and of what is packed what a read takes', async () => {
    const { world, digest } = await idle();
    const [now, newest] = [world.clock.now(), SemVer.parse('1.0.0')];
    const row = { name: MODEL, createdAt: now, updatedAt: now, versions: 1, newest };
    await world.catalog.transact([ModelRow.put(row, 'absent')]);
    const deps = configured(world);
    const reference = `${MODEL}@1.0.0`;
    const before = await explainTiers(deps, { reference, policy: 'rules' });
    expect(before.texts[0]).toMatch(/is packed from STANDARD to STANDARD_IA: it is large and gets much smaller/);
    expect(before.texts[0]).toMatch(/→ STANDARD_IA packed/);
    await sweep(world);
    const after = await explainTiers(deps, { reference, policy: 'rules' });
    expect(after.texts[0]).toMatch(/stays in STANDARD_IA packed/);
    expect(after.texts[0]).toMatch(/It is packed to .*: a read unpacks it first, which takes about 60 s and \$0\.000/);
    const [action] = await world.actions(digest);
    expect(action?.state).toBe('done');
  });
});
