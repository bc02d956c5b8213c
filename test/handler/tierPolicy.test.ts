import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LookAtPolicy } from '../../events/look-at-policy/v1.ts';
import { AccessMonthRow, BlobRow, expectationOf, SweepSettingsRow, TierPolicyRow } from '../../lib/catalog/index.ts';
import { acceptTierPolicy, showTierPolicy } from '../../lib/operations/tierPolicy.ts';
import { parseLifecycleRules, parseTierRules } from '../../lib/placement/index.ts';
import { Digest } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, HOUR_MS } from '../../lib/shared/units.ts';
import { LOOK_PARTS, lookPartOf, tierSettings } from '../../lib/tiering/index.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

/** A plane that decided by dollars until now; from now on `rules` is configured. */
async function changedWorld() {
  const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
  const { digest } = await world.addBlob(1, 100);
  const row = (await BlobRow.get(world.catalog, digest))!;
  await world.catalog.transact([BlobRow.put({ ...row.value, size: Bytes.parse(10_000_000_000) }, expectationOf(row))]);
  await sweep(world);
  world.deps.settings.tierPolicy = 'rules';
  return { world, digest };
}

async function readNow(world: TieringWorld, digest: Digest): Promise<void> {
  const day = new Date(world.clock.now()).toISOString();
  const month = { digest, shard: 0, month: day.slice(0, 7), days: { [day.slice(8, 10)]: 1 }, hits: 0 };
  await world.catalog.transact([AccessMonthRow.put({ ...month, lastAt: world.clock.now() }, 'absent')]);
}

/** A day later: its messages are delivered twice; transitions are not made. */
async function sweep(world: TieringWorld): Promise<void> {
  await world.clock.advance(DAY_MS);
  await world.fireSweep();
  await world.fireSweep();
  for (let messages = await world.takeOutbox(); messages.length > 0; messages = await world.takeOutbox()) {
    for (const { queue, body } of messages) {
      if (queue !== 'sweep') continue;
      await world.deliver('sweep', body);
      await world.deliver('sweep', body);
    }
  }
}

const policyOf = async (world: TieringWorld) => (await TierPolicyRow.get(world.catalog))?.value;
const reasonsOf = async (world: TieringWorld, digest: Digest) =>
  (await world.actions(digest)).map(({ policy }) => policy.split(' ')[0]);

describe('a change of the policy of storage classes', () => {
  it('comes into force by the second sweep where it catches nothing in use', async () => {
    const { world } = await changedWorld();
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'dollars', change: { to: 'rules' } });
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules' });
    expect((await policyOf(world))?.change).toBeUndefined();
  });

  it('is refused while it would catch an object in use, with an error and a metric, and decides nothing meanwhile', async () => {
    const { world, digest } = await changedWorld();
    await readNow(world, digest);
    await sweep(world);
    await sweep(world);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({
      inForce: 'dollars',
      refused: { to: 'rules', reach: { objects: 1, changed: 1, caught: 1, examples: [digest] } },
    });
    expect((await reasonsOf(world, digest)).filter((policy) => policy !== 'dollars-3')).toEqual([]);
    const refusals = world.metrics.filter(({ name, value }) => name === 'TierPolicyRefused' && value === 1);
    expect(refusals).toHaveLength(2);
    expect((await showTierPolicy(world)).items).toMatchObject([{ inForce: 'dollars', wanted: 'rules' }]);
  });

  it('comes into force by the next sweep when an operator accepts it, and nothing else can be accepted', async () => {
    const { world, digest } = await changedWorld();
    await readNow(world, digest);
    await sweep(world);
    const { deps } = world;
    const wish = { policy: 'rules' as const, by: 'ada', dryRun: false };
    await expect(acceptTierPolicy(deps, { ...wish, policy: 'dollars' })).rejects.toMatchObject({
      code: 'nothing-to-accept',
    });
    await acceptTierPolicy(deps, { ...wish, dryRun: true });
    expect((await policyOf(world))?.accepted).toBeUndefined();
    expect(await acceptTierPolicy(deps, wish)).toMatchObject({ inForce: 'dollars', acceptedBy: 'ada' });
    await sweep(world);
    expect(await policyOf(world)).toEqual({
      inForce: 'rules',
      settings: tierSettings(deps.settings),
      version: 'rules-2',
      since: world.clock.now(),
    });
  });

  it('is withdrawn with the configuration', async () => {
    const { world } = await changedWorld();
    await sweep(world);
    world.deps.settings.tierPolicy = 'dollars';
    await sweep(world);
    expect((await policyOf(world))?.change).toBeUndefined();
  });

  it('is tried at once in a dry run, which moves nothing', async () => {
    const { world } = await changedWorld();
    world.deps.settings.tierSweep = 'dry-run';
    await sweep(world);
    expect(world.counted('TierDecided', 'young-content')).toBe(2);
    expect(await policyOf(world)).toMatchObject({ inForce: 'dollars' });
  });
});

describe('the look at a change', () => {
  /** Blobs of the first part, more than a page of them, all to be elsewhere by the rules. */
  async function crowded(count: number) {
    const { world } = await changedWorld();
    const blob = await world.addBlob(1000, 40);
    const digests: Digest[] = [];
    for (let seed = 0; digests.length < count; seed += 1) {
      const digest = Digest.parse(createHash('sha256').update(`${seed}`).digest('hex'));
      if (lookPartOf(digest) === 0) digests.push(digest);
    }
    for (const digest of digests) await world.catalog.transact([BlobRow.put({ ...blob, digest }, 'absent')]);
    return { world, digests };
  }

  const looksOf = (messages: readonly { readonly body: unknown }[]) =>
    messages
      .map(({ body }) => body as LookAtPolicy)
      .filter(({ schema }) => schema === 'look-at-policy/1')
      .sort((one, other) => one.part - other.part);

  it('goes over all parts at once, page by page, and sees each object once however often a page comes', async () => {
    const { world } = await crowded(620);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    const begun = looksOf(await world.takeOutbox());
    expect(begun.map(({ part }) => part)).toEqual(Array.from({ length: LOOK_PARTS }, (_, part) => part));
    await world.fireSweep();
    expect(looksOf(await world.takeOutbox())).toEqual([]);
    await Promise.all([begun[0], begun[0]].map((message) => world.deliver('sweep', message)));
    const [next, ...more] = looksOf(await world.takeOutbox());
    expect([next?.part, more]).toEqual([0, []]);
    const half = (await showTierPolicy(world)).items[0];
    expect(half).toMatchObject({ reach: { objects: 500 }, look: { parts: 0, of: LOOK_PARTS } });
    expect(half?.look?.place).toBeCloseTo(500 / 620 / LOOK_PARTS, 2);
    await world.deliver('sweep', begun[0]);
    await world.deliver('sweep', next);
    await world.deliver('sweep', next);
    expect((await showTierPolicy(world)).items[0]).toMatchObject({ reach: { objects: 620 }, look: { parts: 1 } });
    for (const message of begun.slice(1)) await world.deliver('sweep', message);
    const { look, reach } = (await showTierPolicy(world)).items[0] ?? {};
    expect(reach?.objects).toBe(622);
    expect(look).toMatchObject({ parts: LOOK_PARTS, place: 1 });
    expect(look?.endsAt).toBeUndefined();
    expect(await world.takeOutbox()).toEqual([]);
  });

  it('tells when it will have ended, by how much of all lies behind it', async () => {
    const { world } = await changedWorld();
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    const begun = looksOf(await world.takeOutbox());
    const since = world.clock.now();
    await world.clock.advance(HOUR_MS);
    for (const message of begun.slice(0, LOOK_PARTS / 4)) await world.deliver('sweep', message);
    expect((await showTierPolicy(world)).items[0]?.look).toEqual({
      since,
      parts: LOOK_PARTS / 4,
      of: LOOK_PARTS,
      place: 0.25,
      endsAt: since + 4 * HOUR_MS,
    });
  });

  it('goes beside a sweep over the inventory', async () => {
    const { world } = await changedWorld();
    for (let seed = 10; seed < 50; seed += 1) await world.addBlob(seed, 40);
    const started = world.sweepOverInventories();
    world.deps.settings.sweepInventoryFrom = 1;
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    const messages = await world.takeOutbox();
    expect([started.length, messages.length]).toEqual([1, LOOK_PARTS]);
    for (const { body } of messages) await world.deliver('sweep', body);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules' });
  });

  it('passes over a message of another change, and counts a blob whose row cannot be read as unknown', async () => {
    const { world, digests } = await crowded(3);
    await world.clock.advance(DAY_MS);
    await world.fireSweep();
    const [first] = looksOf(await world.takeOutbox());
    expect(await world.deliver('sweep', { ...first, lookId: 'another' })).toBe(true);
    expect((await showTierPolicy(world)).items[0]).not.toHaveProperty('reach');
    const broken = digests[1]!;
    const row = (await world.catalog.get(BlobRow.key(broken)))!;
    const item = { ...row, body: { ...row.body, size: -1 } };
    await world.catalog.transact([{ kind: 'put', item, expect: { version: row.version } }]);
    expect(await world.deliver('sweep', first)).toBe(false);
    expect((await showTierPolicy(world)).items[0]).toMatchObject({
      reach: { objects: 2, unknown: 1, unreadable: [expect.stringContaining(broken)] },
      look: { parts: 1 },
    });
    expect(await world.deliver('sweep', first)).toBe(true);
  });
});

describe('a row that a look cannot read', () => {
  it('refuses the change until it is repaired, and is named with what to do', async () => {
    const { world, digest } = await changedWorld();
    const row = (await world.catalog.get(BlobRow.key(digest)))!;
    await world.catalog.transact([
      { kind: 'put', item: { ...row, body: { ...row.body, size: -1 } }, expect: { version: row.version } },
    ]);
    await sweep(world);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({
      inForce: 'dollars',
      refused: { to: 'rules', reach: { objects: 0, caught: 0, unknown: 1 } },
    });
    const told = world.records.find(({ event }) => event === 'tier-policy-refused');
    expect(String(told?.error)).toMatch(new RegExp(`1 rows could not be read .*${digest}.*runbook`));
    const broken = (await world.catalog.get(BlobRow.key(digest)))!;
    await world.catalog.transact([
      { kind: 'put', item: { ...broken, body: row.body }, expect: { version: broken.version } },
    ]);
    await sweep(world);
    await sweep(world);
    expect(await policyOf(world)).toMatchObject({ inForce: 'rules' });
  });
});

describe('a change of settings alone', () => {
  /** Decides by rules; one blob of 400 days that was read an hour ago, in the class where it belongs. */
  async function world() {
    const made = await createTieringWorld(undefined, 'on', { tierRules: parseTierRules('warmAgeDays=700') });
    const { digest } = await made.addBlob(1, 400, 'STANDARD_IA');
    const row = (await BlobRow.get(made.catalog, digest))!;
    const size = Bytes.parse(10_000_000_000);
    await made.catalog.transact([BlobRow.put({ ...row.value, size }, expectationOf(row))]);
    await sweep(made);
    return { made, digest };
  }

  it('is refused where it would catch an object in use, until it is accepted by name', async () => {
    const { made, digest } = await world();
    await made.clock.advance(HOUR_MS);
    await readNow(made, digest);
    made.deps.settings.tierRules = parseTierRules('');
    await sweep(made);
    await sweep(made);
    const refused = await policyOf(made);
    expect(refused).toMatchObject({
      inForce: 'rules',
      settings: { tierRules: { warmAgeDays: 700 } },
      change: { to: 'rules', settings: { tierRules: { warmAgeDays: 365 } } },
      refused: { reach: { caught: 1, examples: [digest] } },
    });
    expect((await made.blob(digest)).origin.storageClass).toBe('STANDARD_IA');
    expect((await showTierPolicy(made)).items).toMatchObject([
      { inForce: 'rules', wanted: 'rules', wantedSettings: { tierRules: { version: 'rules-2' } } },
    ]);
    await acceptTierPolicy(made.deps, { policy: 'rules', by: 'ada', dryRun: false });
    await sweep(made);
    expect(await policyOf(made)).toMatchObject({ settings: { tierRules: { warmAgeDays: 365 } } });
  });

  it('comes into force by the second sweep where it catches nothing, and decides by then', async () => {
    const { made, digest } = await world();
    made.deps.settings.tierRules = parseTierRules('');
    await sweep(made);
    expect(await made.actions(digest)).toHaveLength(0);
    await sweep(made);
    expect((await made.actions(digest)).map(({ chosen }) => chosen)).toEqual(['transition GLACIER_IR']);
  });

  it('of packing waits for the sweep that looks, and is off without waiting', async () => {
    const { made } = await world();
    made.deps.settings.tierPacking = 'on' as never;
    await sweep(made);
    expect(await policyOf(made)).toMatchObject({ settings: { tierPacking: 'off' }, change: { to: 'rules' } });
    await sweep(made);
    expect(await policyOf(made)).toMatchObject({ settings: { tierPacking: 'on' } });
    made.deps.settings.tierPacking = 'dry-run' as never;
    await sweep(made);
    expect(await policyOf(made)).toMatchObject({ settings: { tierPacking: 'dry-run' } });
    expect((await policyOf(made))?.change).toBeUndefined();
  });

  it('is noted for who looks from outside, also of a plane that only tries or does nothing', async () => {
    const { made } = await world();
    made.deps.settings.tierSweep = 'dry-run';
    made.deps.settings.lifecycleRules = parseLifecycleRules('coldAfterIdleDays=9');
    await sweep(made);
    const noted = async () => (await SweepSettingsRow.get(made.catalog))?.value;
    const since = made.clock.now();
    expect(await noted()).toMatchObject({ tierSweep: 'dry-run', since, settings: { tierRules: { warmAgeDays: 700 } } });
    expect((await noted())?.settings.lifecycleRules.coldAfterIdleDays).toBe(9);
    await sweep(made);
    expect((await noted())?.since).toBe(since);
    made.deps.settings.tierSweep = 'off';
    await sweep(made);
    expect(await noted()).toMatchObject({ tierSweep: 'off', since: made.clock.now() });
  });
});
