import { describe, expect, it } from 'vitest';
import {
  AccessMonthRow,
  type Action,
  AliasRow,
  type Blob,
  ExpiryRunRow,
  expectationOf,
  ModelRow,
  ReferenceRow,
  ReplicaRow,
  RestoreRow,
  ServiceLevelRow,
  TierPolicyRow,
  TombstoneRow,
  VersionRow,
} from '../../lib/catalog/index.ts';
import { holdVersion, undoDelete } from '../../lib/deletion/index.ts';
import { replayExpiry } from '../../lib/expiry/index.ts';
import { listExpiryRuns, planTiers } from '../../lib/operations/tiers.ts';
import { compileRates, LIFECYCLE_RULES, parseLifecycleRules } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { ActionId, CorrelationId, type Digest, HostId, hostLocation, ModelName, SemVer } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs } from '../../lib/shared/units.ts';
import { createInterruption, type Moment } from '../support/interruption.ts';
import { endInventory, sweepInventory } from '../support/inventory.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const FLUX = ModelName.parse('flux');
const OLD = SemVer.parse('1.0.0');
const correlationId = CorrelationId.parse('test');

type Options = Parameters<typeof createTieringWorld>[2];

/** A model whose older version nobody has read for 200 days. */
async function abandoned(over: Options = {}, between?: Parameters<typeof createTieringWorld>[0]) {
  const world = await createTieringWorld(between, 'on', { tierPolicy: 'lifecycle', lifecycleDeletes: 'on', ...over });
  const blob = await world.addBlob(1, 200);
  await publish(world, blob, 'flux', '1.0.0');
  await publish(world, await world.addBlob(2, 5), 'flux', '2.0.0', 5);
  return { world, blob };
}

async function publish(world: TieringWorld, { digest }: Blob, name: string, number: string, ageDays = 200) {
  const at = EpochMs.parse(world.clock.now() - ageDays * DAY_MS);
  await world.refer(digest, name, number, { publishedAt: at });
  const [model, newest] = [ModelName.parse(name), SemVer.parse(number)];
  const row = await ModelRow.get(world.catalog, model);
  const versions = (row?.value.versions ?? 0) + 1;
  const value = { name: model, createdAt: at, updatedAt: at, versions, newest };
  await world.catalog.transact([ModelRow.put(value, expectationOf(row))]);
}

/** A sweep up to what it sends last. */
async function sweepUntilExpiry(world: TieringWorld): Promise<unknown> {
  await world.fireSweep();
  for (;;) {
    const messages = await world.takeOutbox();
    const last = messages.find(({ body }) => (body as { schema: string }).schema === 'expire-versions/1');
    if (last !== undefined) return last.body;
    if (messages.length === 0) return undefined;
    for (const { body, queue } of messages) if (queue === 'sweep') await world.deliver('sweep', body);
  }
}

const tombstone = async ({ catalog }: TieringWorld, version = OLD) =>
  (await TombstoneRow.get(catalog, FLUX, version))?.value;
const runOf = async ({ catalog }: TieringWorld, id: number) => (await ExpiryRunRow.get(catalog, String(id)))?.value;
const expiries = (actions: readonly Action[]) => actions.filter(({ type }) => type === 'expire');

async function read(world: TieringWorld, digest: Digest, daysAgo: number): Promise<void> {
  const lastAt = EpochMs.parse(world.clock.now() - daysAgo * DAY_MS);
  const day = new Date(lastAt).toISOString();
  const row = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0, lastAt };
  await world.catalog.transact([AccessMonthRow.put(row, 'absent')]);
}

/** As while a reader waits. */
async function awaitRestore({ catalog, clock }: TieringWorld, { digest, origin }: Blob): Promise<void> {
  const now = clock.now();
  const { versionId } = origin;
  const asked = { versionId, to: 'STANDARD', tier: 'standard', state: 'restoring', attempt: 1, correlationId } as const;
  const actionId = ActionId.parse('restore-test');
  const restore = { ...asked, digest, actionId, askedAt: now, readyAt: now, dueAt: now };
  await catalog.transact([RestoreRow.put(restore, 'absent')]);
}

async function addHostCopy(world: TieringWorld, digest: Digest): Promise<void> {
  const host = HostId.parse('gpu-a');
  const copy = {
    digest,
    location: hostLocation('nvme', host),
    host: { id: host, generation: 1 },
    bytes: Bytes.parse(1),
  };
  const row = { ...copy, state: 'unknown' as const, versionId: 'v', pinned: false, checkedAt: world.clock.now() };
  await world.catalog.transact([ReplicaRow.put(row, 'absent')]);
}

describe('a sweep by the lifecycle preset', () => {
  it('cools what is rarely read, and archives what nobody may delete, where reads need no restore', async () => {
    const { world, blob } = await abandoned({ lifecycleDeletes: 'dry-run' });
    const idle = await world.addBlob(3, 60);
    await world.fireSweep();
    await world.run();
    expect((await world.blob(blob.digest)).origin.storageClass).toBe('GLACIER_IR');
    expect((await world.blob(idle.digest)).origin.storageClass).toBe('STANDARD_IA');
    expect(world.counted('TierDecided', 'expiry-not-allowed')).toBe(1);
    expect(world.counted('TierDecided', 'rarely-read')).toBe(1);
    expect(world.counted('TierDecided', 'still-read')).toBe(1);
    expect(await tombstone(world)).toBeUndefined();
  });

  it('archives for real where readers accept the wait', async () => {
    const { world, blob } = await abandoned({ lifecycleDeletes: 'dry-run' });
    const level = { model: FLUX, restoreToleranceMs: DAY_MS, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put(level, 'absent')]);
    await world.fireSweep();
    await world.run();
    expect((await world.blob(blob.digest)).origin.storageClass).toBe('GLACIER');
  });

  it('deletes what nobody needs, last of all and so that it can be undone, with a receipt that replays', async () => {
    const { world, blob } = await abandoned();
    await world.addBlob(3, 60);
    const at = world.clock.now();
    const last = await sweepUntilExpiry(world);
    expect(await tombstone(world)).toBeUndefined();
    await world.deliver('sweep', last);
    expect(await tombstone(world)).toMatchObject({ state: 'deleted', deletedAt: at });
    expect((await tombstone(world))!.purgeAfter).toBeGreaterThanOrEqual(at + 7 * DAY_MS);
    expect((await world.blob(blob.digest)).origin.storageClass).toBe('STANDARD');
    expect(await runOf(world, at)).toMatchObject({ state: 'ended', versions: 1, bytes: 200_000, earlyDeletionUsd: 0 });
    const [receipt] = expiries(await world.actions(blob.digest));
    expect(receipt).toMatchObject({ state: 'done', reason: 'abandoned', modelVersion: '1.0.0', chosen: 'delete' });
    expect(receipt!.policy).toContain('lifecycle-rules-2+deletes');
    const rates = compileRates(shippedPriceBook());
    expect(replayExpiry(receipt!.inputs, LIFECYCLE_RULES, rates)).toMatchObject({ action: 'expire', bytes: 200_000 });
    expect(replayExpiry('{"decision":"tier"}', LIFECYCLE_RULES, rates)).toBeUndefined();
  });

  it('deletes once, however often any of its messages comes', async () => {
    const { world } = await abandoned();
    const at = world.clock.now();
    const last = await sweepUntilExpiry(world);
    await world.deliver('sweep', last);
    await world.deliver('sweep', last);
    expect(world.counted('ExpiryDecided', 'deleted-before')).toBe(1);
    expect(await runOf(world, at)).toMatchObject({ versions: 1 });
  });

  it.each<[string, (world: TieringWorld, blob: Blob) => Promise<unknown>]>([
    [
      'aliased',
      (world) =>
        world.catalog.transact([
          AliasRow.put({ model: FLUX, alias: 'prod', version: OLD, updatedAt: world.clock.now() }, 'absent'),
        ]),
    ],
    [
      'held',
      (world) =>
        holdVersion(world.catalog, {
          model: FLUX,
          version: OLD,
          now: world.clock.now(),
          dryRun: false,
          change: { kind: 'hold', reason: 'a case' },
        }),
    ],
    [
      'retained',
      (world) =>
        holdVersion(world.catalog, {
          model: FLUX,
          version: OLD,
          now: world.clock.now(),
          dryRun: false,
          change: { kind: 'retain', until: EpochMs.parse(world.clock.now() + DAY_MS) },
        }),
    ],
    [
      'promised',
      (world) =>
        world.catalog.transact([
          ServiceLevelRow.put({ model: FLUX, readsPerDay: 1, updatedAt: world.clock.now() }, 'absent'),
        ]),
    ],
    [
      'shared',
      (world, blob) =>
        world.catalog.transact([
          ReferenceRow.put({ digest: blob.digest, model: ModelName.parse('sdxl'), version: OLD }, 'absent'),
        ]),
    ],
    ['on-hosts', (world, blob) => addHostCopy(world, blob.digest)],
    ['still-read', (world, blob) => read(world, blob.digest, 80)],
    ['still-read', (world, blob) => awaitRestore(world, blob)],
  ])('keeps what is %s, also when it became so after the sweep had found it', async (reason, need) => {
    const before = await abandoned();
    await need(before.world, before.blob);
    await before.world.fireSweep();
    await before.world.run();
    expect(await tombstone(before.world)).toBeUndefined();
    expect(before.world.counted('ExpiryDecided', reason)).toBe(0);

    const { world, blob } = await abandoned();
    const last = await sweepUntilExpiry(world);
    await need(world, blob);
    await world.deliver('sweep', last);
    expect(await tombstone(world)).toBeUndefined();
    expect(world.counted('ExpiryDecided', reason)).toBe(1);
  });

  it('keeps the version that a model’s name stands for, and one that was brought back', async () => {
    const { world } = await abandoned();
    await world.clock.advance(400 * DAY_MS);
    await world.fireSweep();
    await world.run();
    expect(await tombstone(world, SemVer.parse('2.0.0'))).toBeUndefined();
    expect(await tombstone(world)).toBeDefined();
    const undoing = { model: FLUX, version: OLD, now: world.clock.now(), correlationId, dryRun: false };
    await undoDelete(world.catalog, undoing);
    await world.takeOutbox();
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    await world.run();
    expect(await tombstone(world)).toBeUndefined();
    expect((await VersionRow.get(world.catalog, FLUX, OLD))?.value.undoneAt).toBe(undoing.now);
  });

  it.each([
    ['versions', { lifecycleMostDeletes: 1 }, 'rate-reached'],
    ['bytes', { lifecycleMostDeleteBytes: 399_999 }, 'bytes-reached'],
  ])('stops at its limit of %s; the next one goes on', async (_name, limits, reason) => {
    const { world } = await abandoned(limits);
    await publish(world, await world.addBlob(4, 200), 'sdxl', '1.0.0');
    await publish(world, await world.addBlob(5, 5), 'sdxl', '2.0.0', 5);
    await world.fireSweep();
    await world.run();
    const deleted = async () =>
      [await tombstone(world), (await TombstoneRow.get(world.catalog, ModelName.parse('sdxl'), OLD))?.value].filter(
        (one) => one !== undefined,
      ).length;
    expect(await deleted()).toBe(1);
    expect(world.counted('ExpiryDecided', reason)).toBe(1);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    await world.run();
    expect(await deleted()).toBe(2);
  });

  it('deletes nothing more once it is switched off', async () => {
    const { world } = await abandoned();
    const last = await sweepUntilExpiry(world);
    Object.assign(world.deps.settings, { lifecycleDeletes: 'dry-run' });
    await world.deliver('sweep', last);
    expect(await tombstone(world)).toBeUndefined();
    expect(world.counted('ExpiryDecided', 'switched-off')).toBe(1);
  });

  it('begins to delete by the sweep after the one that looked, which found nothing in use', async () => {
    const { world } = await abandoned({
      lifecycleDeletes: 'dry-run',
      lifecycleRules: parseLifecycleRules('coldAfterIdleDays=3000,deleteAfterIdleDays=300'),
    });
    const sweep = async () => {
      await world.clock.advance(DAY_MS);
      await world.fireSweep();
      await world.run();
    };
    await sweep();
    Object.assign(world.deps.settings, { lifecycleDeletes: 'on', lifecycleRules: LIFECYCLE_RULES });
    await sweep();
    expect(await tombstone(world)).toBeUndefined();
    await sweep();
    expect(await tombstone(world)).toMatchObject({ state: 'deleted' });
  });

  it('is not to delete what was read lately, whatever the thresholds say, until an operator accepts that', async () => {
    const { world, blob } = await abandoned({ lifecycleDeletes: 'dry-run' });
    const sweep = async () => {
      await world.clock.advance(DAY_MS);
      await world.fireSweep();
      await world.run();
    };
    await sweep();
    await read(world, blob.digest, 2);
    const hasty = parseLifecycleRules('deleteAfterIdleDays=1,deleteBelowPerDay=10');
    Object.assign(world.deps.settings, { lifecycleDeletes: 'on', lifecycleRules: hasty });
    await sweep();
    await sweep();
    expect((await TierPolicyRow.get(world.catalog))?.value.refused?.reach).toMatchObject({ caught: 1 });
    expect(await tombstone(world)).toBeUndefined();
  });

  it('heeds thresholds that spare more before they are in force', async () => {
    const { world } = await abandoned();
    const last = await sweepUntilExpiry(world);
    Object.assign(world.deps.settings, { lifecycleRules: parseLifecycleRules('deleteAfterIdleDays=300') });
    await world.deliver('sweep', last);
    expect(await tombstone(world)).toBeUndefined();
    expect(world.counted('ExpiryDecided', 'still-read')).toBe(1);
  });

  it('deletes what a sweep over an inventory has found when its last stage has ended', async () => {
    const { world, blob } = await abandoned({ sweepInventoryFrom: 0 });
    world.sweepOverInventories();
    await world.fireSweep();
    const at = world.clock.now();
    expect(await sweepInventory(world, [blob.digest])).toEqual({ expires: 1 });
    expect(await world.run()).toBe(0);
    await endInventory(world);
    await world.run();
    expect(await tombstone(world)).toMatchObject({ state: 'deleted' });
    expect(await runOf(world, at)).toMatchObject({ state: 'ended', versions: 1 });
  });

  it('is planned with its dollars, once a version, and tells what was deleted', async () => {
    const { world, blob } = await abandoned();
    const planned = async () => {
      const items: Awaited<ReturnType<typeof planTiers>>['items'] = [];
      for (let nextToken: string | undefined = '0'; nextToken !== undefined; ) {
        const page = await planTiers(world.deps, { limit: 100, policy: 'lifecycle', nextToken });
        items.push(...page.items);
        nextToken = page.nextToken;
      }
      return items.flatMap(({ expires }) => expires ?? []);
    };
    expect(await planned()).toEqual([
      expect.objectContaining({ model: 'flux', version: '1.0.0', bytes: blob.size, risk: 'low', reason: 'abandoned' }),
    ]);
    expect((await listExpiryRuns(world.deps, { limit: 5 })).items).toEqual([]);
    await world.fireSweep();
    await world.run();
    expect(await planned()).toEqual([]);
    expect((await listExpiryRuns(world.deps, { limit: 5 })).items).toMatchObject([{ state: 'ended', versions: 1 }]);
  });

  it('goes on from wherever it was killed', async () => {
    expect((await cutAt(0, 'before')).calls).toBeGreaterThan(15);
    for (const moment of ['before', 'after'] as const) {
      const { calls } = await cutAt(0, moment);
      for (let nth = 1; nth <= calls; nth += 1) {
        const { at, blob, world } = await cutAt(nth, moment);
        expect(await tombstone(world)).toMatchObject({ state: 'deleted' });
        expect(await runOf(world, at)).toMatchObject({ state: 'ended', versions: 1, bytes: 200_000 });
        expect(expiries(await world.actions(blob.digest))).toHaveLength(1);
      }
    }
  });
});

/** Deletes whose process ends at one call, and that come again. */
async function cutAt(nth: number, moment: Moment) {
  const interruption = createInterruption();
  const { world, blob } = await abandoned({}, interruption);
  const at = world.clock.now();
  const last = await sweepUntilExpiry(world);
  interruption.cutAt(nth, moment);
  const done = await world.deliver('sweep', last);
  const calls = interruption.calls(moment);
  if (!done) expect(await world.deliver('sweep', last)).toBe(true);
  return { at, blob, calls, world };
}
