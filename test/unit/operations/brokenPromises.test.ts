import { describe, expect, it } from 'vitest';
import { ServiceLevelRow } from '../../../lib/catalog/index.ts';
import { listBrokenPromises } from '../../../lib/operations/brokenPromises.ts';
import { ModelName } from '../../../lib/shared/ids.ts';
import { DAY_MS, HOUR_MS } from '../../../lib/shared/units.ts';
import { createTieringWorld } from '../../support/tieringWorld.ts';

const model = ModelName.parse('flux');
const all = { model, limit: 1000 };

describe('a promise to readers', () => {
  it('names what lies too far away for it, once, with what brings that back', async () => {
    const world = await createTieringWorld(undefined, 'on');
    const [archived, deep, near, held] = [
      await world.addBlob(1, 800, 'GLACIER'),
      await world.addBlob(2, 800, 'DEEP_ARCHIVE'),
      await world.addBlob(3, 800, 'GLACIER_IR'),
      await world.addBlob(4, 800, 'GLACIER'),
    ];
    await world.refer(archived.digest, 'flux', '1.0.0');
    await world.refer(archived.digest, 'flux', '1.1.0');
    await world.refer(deep.digest, 'flux', '2.0.0');
    await world.refer(near.digest, 'flux', '3.0.0');
    await world.refer(held.digest, 'flux', '4.0.0', { hold: { reason: 'case 7', since: world.clock.now() } });
    const broken = async (restoreToleranceMs: number) =>
      new Map(
        (await listBrokenPromises(world.deps, { ...all, restoreToleranceMs })).items.map((one) => [one.digest, one]),
      );
    const now = await broken(60_000);
    expect(now.size).toBe(3);
    expect(now.get(archived.digest)).toMatchObject({
      version: '1.1.0',
      storageClass: 'GLACIER',
      action: 'transition',
      to: 'GLACIER_IR',
      reason: 'restore-too-slow',
      restoreMs: 12 * HOUR_MS,
      policy: 'rules',
    });
    expect(now.get(archived.digest)?.usd).toBeGreaterThan(0);
    expect(now.get(held.digest)).toMatchObject({ action: 'keep', reason: 'held', usd: 0, restoreMs: 0 });
    expect((await broken(6 * HOUR_MS)).get(deep.digest)).toMatchObject({ to: 'GLACIER', restoreMs: 48 * HOUR_MS });
    expect((await broken(2 * DAY_MS)).size).toBe(0);
    // What is promised already counts where it is less.
    const level = { model, restoreToleranceMs: 60_000, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put(level, 'absent')]);
    expect((await broken(2 * DAY_MS)).size).toBe(3);
  });

  it('says whether sweeps will do it, once one has begun', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'lifecycle' });
    const blob = await world.addBlob(1, 40, 'GLACIER');
    await world.refer(blob.digest, 'flux', '1.0.0');
    const broken = async () => (await listBrokenPromises(world.deps, { ...all, restoreToleranceMs: 60_000 })).items[0];
    expect(await broken()).not.toHaveProperty('sweep');
    await world.fireSweep();
    expect(await broken()).toMatchObject({ sweep: 'on', policy: 'lifecycle', to: 'STANDARD_IA' });
  });

  it('is looked at a page at a time: each file once, and told how many are left', async () => {
    const world = await createTieringWorld(undefined, 'on');
    const broken = new Set<string>();
    for (let seed = 0; seed < 5; seed += 1) {
      const { digest } = await world.addBlob(seed, 800, seed === 2 ? 'STANDARD' : 'GLACIER');
      await world.refer(digest, 'flux', `1.${seed}.0`);
      if (seed !== 2) broken.add(digest);
    }
    const seen: string[] = [];
    const left: number[] = [];
    let nextToken: string | undefined;
    do {
      const wish = { model, limit: 2, restoreToleranceMs: 60_000, ...(nextToken === undefined ? {} : { nextToken }) };
      const page = await listBrokenPromises(world.deps, wish);
      seen.push(...page.items.map(({ digest }) => digest));
      left.push(page.left);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(left).toEqual([3, 1, 0]);
    expect(seen).toEqual([...broken].toSorted());
  });
});
