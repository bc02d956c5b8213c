import { describe, expect, it } from 'vitest';
import { ModelRow, ServiceLevelRow } from '../../../lib/catalog/index.ts';
import { showStorage } from '../../../lib/operations/storage.ts';
import { ModelName, SemVer } from '../../../lib/shared/ids.ts';
import type { Configured } from '../../../lib/tiering/index.ts';
import { createTieringWorld, type TieringWorld } from '../../support/tieringWorld.ts';

const MODEL = ModelName.parse('flux');

async function stored(over: object = {}): Promise<TieringWorld & { readonly digest: string }> {
  const world = await createTieringWorld(undefined, 'on', {}, false);
  const { digest } = await world.addBlob(1, 40);
  await world.refer(digest, 'flux', '1.0.0', over);
  const now = world.clock.now();
  const row = { name: MODEL, createdAt: now, updatedAt: now, versions: 1, newest: SemVer.parse('1.0.0') };
  await world.catalog.transact([ModelRow.put(row, 'absent')]);
  return { ...world, digest };
}

const show = async (world: TieringWorld, over: Partial<Configured> | undefined, policy?: 'rules' | 'dollars') => {
  const wish = { reference: 'flux@1.0.0', ...(policy === undefined ? {} : { policy }) };
  const configured = over === undefined ? undefined : { ...world.deps.settings, ...over };
  return (await showStorage({ ...world.deps, configured }, wish)).items;
};

describe('how a version is stored', () => {
  it('is told with its primary copy, the policy in force, expected reads and the parts of a month', async () => {
    const world = await stored();
    const [one] = await show(world, { tierPolicy: 'rules', tierSweep: 'dry-run' });
    expect(one).toMatchObject({
      model: 'flux',
      version: '1.0.0',
      digest: world.digest,
      primary: { location: 's3:eu-west-1:STANDARD', bytes: 200_000, storageClass: 'STANDARD', tier: 'hot' },
      policy: { name: 'rules', version: 'rules-2', basis: 'configured', sweep: 'dry-run' },
      next: { action: 'transition', to: 'STANDARD_IA', reason: 'young-content' },
      reads: { basis: 'assumed' },
    });
    expect(one?.policy.rules[0]).toBe('younger than 7 days: STANDARD');
    // Half a read in ten days is believed beforehand, and 40 days of silence, remembered with a half-life of 400, count against it.
    const covered = (400 / Math.LN2) * (1 - 0.5 ** (40 / 400));
    expect(one?.reads.next30Days).toBeCloseTo((0.5 * 30) / (10 + covered), 9);
    expect(one?.cost.storageUsd).toBeCloseTo((0.023 * 200_000) / 2 ** 30, 12);
    expect(one?.cost.requestUsd).toBeCloseTo(((one?.reads.next30Days ?? 0) * 0.0004) / 1000, 15);
    const { hostUsd, requestUsd, retrievalUsd, storageUsd, usdPerMonth } = one!.cost;
    expect(usdPerMonth).toBeCloseTo(storageUsd + requestUsd + retrievalUsd + hostUsd, 15);
  });

  it('counts with what an operator has said, and tells holds', async () => {
    const retainUntil = (await createTieringWorld(undefined, 'on', {}, false)).clock.now();
    const world = await stored({ hold: { reason: 'court', since: retainUntil }, retainUntil });
    const now = world.clock.now();
    const level = { model: MODEL, readsPerDay: 2, updatedAt: now };
    await world.catalog.transact([ServiceLevelRow.put(level, 'absent')]);
    const [one] = await show(world, { tierPolicy: 'dollars', tierSweep: 'on' });
    expect(one).toMatchObject({
      serviceLevel: { readsPerDay: 2 },
      hold: 'court',
      retainUntil,
      next: { action: 'keep', reason: 'held' },
      policy: { name: 'dollars', sweep: 'on' },
    });
    expect(one?.reads.basis).toBe('known');
    expect(one?.reads.next30Days).toBeCloseTo(60, 9);
  });

  it('does not say that sweeps carry out a policy that was only asked for, or where nobody knows', async () => {
    const world = await stored();
    const [asked] = await show(world, { tierPolicy: 'rules', tierSweep: 'on' }, 'dollars');
    expect(asked?.policy).toMatchObject({ name: 'dollars', version: 'dollars-3', basis: 'asked' });
    expect(asked?.policy).not.toHaveProperty('sweep');
    const [shipped] = await show(world, undefined);
    expect(shipped?.policy).toMatchObject({ name: 'rules', basis: 'shipped' });
    expect(shipped?.policy).not.toHaveProperty('sweep');
  });
});
