import { describe, expect, it } from 'vitest';
import { RESTORE_DELAYS } from '../../lib/adapters/embedded/objectRestores.ts';
import { ReplicaRow, ServiceLevelRow } from '../../lib/catalog/index.ts';
import { compileRates, DOLLARS, TIER_RULES } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import {
  endDecisions,
  explainRestored,
  replayRestore,
  replayRestored,
  restoreArchived,
} from '../../lib/restores/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { CorrelationId, type Digest, ModelName, originLocation } from '../../lib/shared/ids.ts';
import type { RestoreOutcome } from '../../lib/shared/ports/objectStore.ts';
import { DAY_MS, EpochMs, HOUR_MS, MINUTE_MS } from '../../lib/shared/units.ts';
import { type Between, createInterruption, type Moment } from '../support/interruption.ts';
import { createTieringWorld, type TieringWorld } from '../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
const MODEL = ModelName.parse('flux');

/** One archived blob that somebody wants to read. */
async function asked(over: { withinMs?: number; storageClass?: 'GLACIER' | 'DEEP_ARCHIVE' } = {}) {
  const world = await createTieringWorld();
  const blob = await world.addBlob(1, 800, over.storageClass ?? 'GLACIER');
  const restores = await ask(world, blob, over.withinMs);
  return { world, blob, restores };
}

async function ask(
  world: TieringWorld,
  blob: Awaited<ReturnType<TieringWorld['addBlob']>>,
  withinMs?: number,
  dryRun = false,
) {
  const correlationId = CorrelationId.parse('test');
  const wish = { model: MODEL, blobs: [await world.blob(blob.digest)], reason: 'read' as const, correlationId };
  return (await restoreArchived({ ...world.deps, rates }, { ...wish, withinMs, dryRun, limits: undefined })).asked;
}

/** Notes each tier that the bucket is asked for; answers of its own, where given, to all but bulk ones. */
function observed(requests: string[], answer?: () => Promise<RestoreOutcome>): Between {
  return {
    catalog: (store) => store,
    objects: (store) => ({
      ...store,
      restore: async (key, versionId, request) => {
        requests.push(request.tier);
        return answer === undefined || request.tier === 'bulk' ? store.restore(key, versionId, request) : answer();
      },
    }),
  };
}

/** One blob that was restored, of which the first copies come out wrong. */
async function spoiled(wrong: number) {
  let copies = 0;
  const world = await createTieringWorld({
    catalog: (store) => store,
    objects: (store) => ({
      ...store,
      async verifiedParts(key, versionId, partSize) {
        const parts = await store.verifiedParts(key, versionId, partSize);
        copies += 1;
        return copies > wrong ? parts : { ...parts!, sha256: ['0'.repeat(64)] };
      },
    }),
  });
  const blob = await world.addBlob(1, 800, 'GLACIER');
  await ask(world, blob);
  await world.run();
  await world.clock.advance(RESTORE_DELAYS.standard);
  await world.tellRestores();
  await world.run();
  return { world, blob };
}

async function hastening(world: TieringWorld, { digest }: { digest: Digest }) {
  return (await world.actions(digest)).find(({ reason }) => reason === 'needed-sooner');
}

/** One archived blob that is being restored for somebody who has a day. */
async function askedInBulk(requests: string[], answer?: () => Promise<RestoreOutcome>) {
  const world = await createTieringWorld(observed(requests, answer));
  const blob = await world.addBlob(1, 800, 'GLACIER');
  await ask(world, blob, 24 * HOUR_MS);
  await world.run();
  return { world, blob };
}

describe('a read of an archived blob', () => {
  it('is told when it can be read, asks the bucket once, and is copied to a class that is read at once', async () => {
    const { world, blob, restores } = await asked();
    expect(restores).toMatchObject([{ known: false, restore: { tier: 'standard', state: 'asked' } }]);
    expect(await ask(world, blob)).toMatchObject([{ known: true }]);
    await world.run();
    expect(await world.restore(blob.digest)).toMatchObject({ state: 'restoring' });
    expect(await ask(world, blob)).toMatchObject([
      { restore: { readyAt: world.clock.now() + RESTORE_DELAYS.standard } },
    ]);
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
    expect(await world.restore(blob.digest)).toBeUndefined();
    expect(await ask(world, blob)).toEqual([]);
    expect((await world.versions(blob.digest)).map((one) => one.storageClass)).toEqual(['GLACIER_IR']);
    expect((await world.actions(blob.digest)).map(({ type, state }) => [type, state])).toEqual([
      ['restore', 'done'],
      ['transition', 'done'],
    ]);
  });

  it('has a receipt for where the restored bytes went, with the dollars of every class, that replays', async () => {
    const { world, blob } = await asked();
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    await world.run();
    const moved =
      (await world.actions(blob.digest)).find(({ reason }) => reason === 'restored') ?? expect.fail('no move');
    const { chosen, alternatives, inputs } = moved;
    expect(chosen).toBe('transition GLACIER_IR');
    expect(alternatives.map(({ action }) => action)).toEqual([
      'keep GLACIER',
      'transition STANDARD',
      'transition INTELLIGENT_TIERING',
      'transition STANDARD_IA',
      'transition GLACIER_IR',
    ]);
    expect(replayRestored(inputs, TIER_RULES, rates)).toEqual({ chosen, alternatives });
    expect(replayRestored(inputs, DOLLARS, rates)).toBeUndefined();
    expect(replayRestored('{"decision":"restore"}', TIER_RULES, rates)).toBeUndefined();
    // The restore is paid for: what is left of the move are two requests, of a read and of a write.
    const move = alternatives.find(({ action }) => action === chosen)?.parts?.['move'];
    expect(move).toBeCloseTo(0.0004 / 1000 + 0.02 / 1000, 9);
  });

  it('goes where the dollars in force say, by what is known and promised, and says why', async () => {
    const world = await createTieringWorld(undefined, 'on', { tierPolicy: 'dollars' });
    const blob = await world.addBlob(1, 800, 'GLACIER');
    await world.refer(blob.digest, 'flux', '1.0.0');
    const level = { model: MODEL, readsPerDay: 1 / 1_000, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put(level, 'absent')]);
    await ask(world, blob);
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    await world.run();
    const moved = (await world.actions(blob.digest)).find(({ reason }) => reason === 'restored') ?? expect.fail();
    const { chosen, alternatives, inputs } = moved;
    expect(moved.policy).toMatch(/^dollars-3 /);
    expect(JSON.parse(inputs).facts).toMatchObject({ knownReadsPerDay: 1 / 1_000 });
    expect(chosen).toBe('transition GLACIER_IR');
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
    expect(replayRestored(inputs, DOLLARS, rates)).toEqual({ chosen, alternatives });
    const text = explainRestored(moved) ?? expect.fail();
    expect(text).toContain('was brought back from GLACIER and went to GLACIER_IR: its reads are known, and of the');
    expect(text).toMatch(/^→ transition GLACIER_IR +\$/m);
    expect(text).toMatch(/^ {2}transition STANDARD +\$/m);
  });

  it.each([
    ['the standard tier for an unknown hurry', 'GLACIER', undefined, 'standard'],
    ['the cheap tier where readers can wait', 'GLACIER', 24 * HOUR_MS, 'bulk'],
    ['the fast tier where they cannot', 'GLACIER', 5 * MINUTE_MS, 'expedited'],
    ['the fastest that there is where none is in time', 'DEEP_ARCHIVE', HOUR_MS, 'standard'],
    ['the cheap tier of Deep Archive where two days are no matter', 'DEEP_ARCHIVE', 2 * DAY_MS, 'bulk'],
  ] as const)('chooses %s', async (_, storageClass, withinMs, tier) => {
    const { world, blob, restores } = await asked({ storageClass, ...(withinMs === undefined ? {} : { withinMs }) });
    expect(restores).toMatchObject([{ restore: { tier } }]);
    const [action] = await world.actions(blob.digest);
    expect(action?.alternatives.map((one) => one.action)).toContain(`restore ${tier}`);
  });

  it('believes what the service level of its model says of waiting', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 800, 'GLACIER');
    const level = { model: MODEL, restoreToleranceMs: 24 * HOUR_MS, updatedAt: world.clock.now() };
    await world.catalog.transact([ServiceLevelRow.put(level, 'absent')]);
    expect(await ask(world, blob)).toMatchObject([{ restore: { tier: 'bulk' } }]);
    await world.catalog.transact([
      ServiceLevelRow.put({ ...level, waitingUsdPerHour: 1_000 }, { version: 1 }),
      { kind: 'delete', key: { partition: `BLOB#${blob.digest}`, sort: 'RESTORE' }, expect: { version: 1 } },
    ]);
    await world.clock.advance(1);
    expect(await ask(world, blob)).toMatchObject([{ restore: { tier: 'expedited' } }]);
  });

  it('goes to another class while its earlier copy still lies where it would go, with one restore', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 800, 'GLACIER');
    const [origin] = await world.replicas(blob.digest);
    const location = originLocation('eu-west-1', 'GLACIER_IR');
    await world.catalog.transact([ReplicaRow.put({ ...origin!, location, state: 'evicting' }, 'absent')]);
    await ask(world, blob);
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'INTELLIGENT_TIERING' } });
    const actions = await world.actions(blob.digest);
    expect(actions.filter(({ type }) => type === 'restore')).toHaveLength(1);
    const moved = actions.find(({ reason }) => reason === 'restored') ?? expect.fail();
    expect(replayRestored(moved.inputs, TIER_RULES, rates)).toMatchObject({ chosen: moved.chosen });
    expect(explainRestored(moved)).toContain('the copy that it had before still lies');
  });

  it('waits, and is not asked for again, while earlier copies lie in every class that it could go to', async () => {
    const world = await createTieringWorld();
    const blob = await world.addBlob(1, 800, 'GLACIER');
    const [origin] = await world.replicas(blob.digest);
    const classes = ['STANDARD', 'INTELLIGENT_TIERING', 'STANDARD_IA', 'GLACIER_IR'] as const;
    const copies = classes.map((one) => ({ ...origin!, location: originLocation('eu-west-1', one) }));
    for (const copy of copies) await world.catalog.transact([ReplicaRow.put(copy, 'absent')]);
    await ask(world, blob);
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    for (const _ of [1, 2, 3]) await world.tellRestores();
    await world.run();
    expect(await world.restore(blob.digest)).toMatchObject({ state: 'restoring', attempt: 1 });
    for (const { digest, location } of copies) {
      await world.catalog.transact([{ kind: 'delete', key: ReplicaRow.key(digest, location), expect: { version: 1 } }]);
    }
    await world.clock.advance(HOUR_MS);
    await world.watchRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
    expect((await world.actions(blob.digest)).filter(({ type }) => type === 'restore')).toHaveLength(1);
  });

  it('is judged again when it is back, and then hosts get what they want of it', async () => {
    const { world, blob } = await asked();
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    const bodies: unknown[] = [];
    for (let sent = await world.takeOutbox(); sent.length > 0; sent = await world.takeOutbox()) {
      for (const { queue, body } of sent) {
        if (queue === 'rescan') bodies.push(body);
        else for (const _ of [1, 2]) await world.deliver(queue as 'restore', body);
      }
    }
    expect(bodies).toMatchObject([{ schema: 'rescan-blob/1', digest: blob.digest, place: true }]);
  });

  it('asks for a slower tier where the fast one is not to be had', async () => {
    const world = await createTieringWorld({
      catalog: (store) => store,
      objects: (store) => ({
        ...store,
        restore: async (key, versionId, request) =>
          request.tier === 'expedited' ? { outcome: 'tier-unavailable' } : store.restore(key, versionId, request),
      }),
    });
    const blob = await world.addBlob(1, 800, 'GLACIER');
    await ask(world, blob, 5 * MINUTE_MS);
    await world.run();
    expect(await world.restore(blob.digest)).toMatchObject({ state: 'restoring', tier: 'standard' });
  });

  it('is made faster, once, for the readers who need it sooner, and says what each way costs', async () => {
    const requests: string[] = [];
    const { world, blob } = await askedInBulk(requests);
    const slow = await world.restore(blob.digest);
    expect(slow).toMatchObject({ tier: 'bulk', readyAt: world.clock.now() + RESTORE_DELAYS.bulk });
    expect(await ask(world, blob, HOUR_MS)).toMatchObject([{ known: true, usd: 0, restore: { tier: 'bulk' } }]);
    await world.clock.advance(MINUTE_MS);
    const hurried = await Promise.all([1, 2, 3, 4].map(() => ask(world, blob, 6 * MINUTE_MS)));
    expect(hurried.flat().filter(({ usd }) => usd > 0)).toHaveLength(1);
    await world.run();
    const readyAt = world.clock.now() + RESTORE_DELAYS.expedited;
    expect(await world.restore(blob.digest)).toMatchObject({
      tier: 'expedited',
      readyAt,
      faster: { state: 'taken', slowerReadyAt: slow?.readyAt },
    });
    expect(await ask(world, blob, 6 * MINUTE_MS)).toMatchObject([{ usd: 0, restore: { readyAt } }]);
    await world.run();
    expect(requests).toEqual(['bulk', 'expedited']);
    await world.clock.advance(RESTORE_DELAYS.expedited);
    await world.tellRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
    const hastened = await hastening(world, blob);
    expect(hastened).toMatchObject({
      state: 'done',
      reason: 'needed-sooner',
      chosen: 'restore expedited',
      outcome: { code: 'taken' },
    });
    expect(hastened?.alternatives.map(({ action, reason }) => [action, reason])).toEqual([
      ['wait for bulk', 'too late'],
      ['restore expedited', undefined],
    ]);
  });

  it.each([
    ['first', 24 * HOUR_MS, 'bulk'],
    ['faster', 6 * MINUTE_MS, 'expedited'],
  ] as const)('leaves a receipt of its %s tier that replays to the same', async (which, withinMs, tier) => {
    const { world, blob } = await askedInBulk([]);
    await world.clock.advance(MINUTE_MS);
    await ask(world, blob, withinMs);
    const receipts = (await world.actions(blob.digest)).filter(({ type }) => type === 'restore');
    const one = receipts.find(({ reason }) => (reason === 'needed-sooner') === (which === 'faster'))!;
    expect(one.chosen).toBe(`restore ${tier}`);
    expect(replayRestore(one.inputs, rates)).toBe(tier);
    expect(replayRestore('{"decision":"tier"}', rates)).toBeUndefined();
  });

  it('begins with the faster tier where the bucket was not asked yet', async () => {
    const requests: string[] = [];
    const world = await createTieringWorld(observed(requests));
    const blob = await world.addBlob(1, 800, 'GLACIER');
    await ask(world, blob, 24 * HOUR_MS);
    const [restore] = await ask(world, blob, 6 * HOUR_MS);
    expect(restore).toMatchObject({ known: true, restore: { faster: { tier: 'standard', state: 'wanted' } } });
    await world.run();
    expect(requests).toEqual(['standard']);
    expect(await world.restore(blob.digest)).toMatchObject({ state: 'restoring', tier: 'standard' });
  });

  it('stays what it is in a dry run', async () => {
    const { world, blob } = await askedInBulk([]);
    const before = await world.restore(blob.digest);
    const asked = await ask(world, blob, 6 * MINUTE_MS, true);
    expect(asked).toMatchObject([{ restore: { faster: { tier: 'expedited' } } }]);
    expect(asked[0]?.usd).toBeGreaterThan(0.01);
    expect(await world.restore(blob.digest)).toEqual(before);
  });

  it('tells its first time again where the bucket makes nothing faster, and does not ask it again', async () => {
    const requests: string[] = [];
    const { world, blob } = await askedInBulk(requests, async () => ({ outcome: 'under-way' }));
    const slow = await world.restore(blob.digest);
    for (let times = 0; times < 3; times += 1) {
      await ask(world, blob, 6 * MINUTE_MS);
      await world.run();
    }
    expect(requests).toEqual(['bulk', 'expedited']);
    expect(await world.restore(blob.digest)).toMatchObject({
      tier: 'bulk',
      readyAt: slow?.readyAt,
      faster: { state: 'not-taken' },
    });
    expect(await hastening(world, blob)).toMatchObject({ state: 'done', outcome: { code: 'under-way' } });
    await world.clock.advance(RESTORE_DELAYS.bulk);
    await world.tellRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
  });

  it('looks when the bucket says that one as fast will be there, however late that was promised', async () => {
    const soon = { readyAt: EpochMs.parse(0) };
    const { world, blob } = await askedInBulk([], async () => ({ outcome: 'under-way', ...soon }));
    soon.readyAt = EpochMs.parse(world.clock.now() + MINUTE_MS);
    const [promised] = await ask(world, blob, 6 * MINUTE_MS);
    expect(promised?.restore.readyAt).toBeGreaterThan(soon.readyAt);
    await world.run();
    const restore = await world.restore(blob.digest);
    expect(restore).toMatchObject({ ...soon, faster: { tier: 'expedited', state: 'not-taken' } });
    // Ten minutes for the bucket's own word of it.
    expect(restore?.dueAt).toBe(soon.readyAt + 10 * MINUTE_MS);
  });

  it('tells its first time again where no faster tier is to be had', async () => {
    const requests: string[] = [];
    const { world, blob } = await askedInBulk(requests, async () => ({ outcome: 'tier-unavailable' }));
    const slow = await world.restore(blob.digest);
    await ask(world, blob, 6 * MINUTE_MS);
    await world.run();
    await ask(world, blob, 6 * MINUTE_MS);
    await world.run();
    expect(requests).toEqual(['bulk', 'expedited']);
    expect(await world.restore(blob.digest)).toMatchObject({
      readyAt: slow?.readyAt,
      faster: { state: 'unavailable' },
    });
    expect(await hastening(world, blob)).toMatchObject({
      state: 'failed',
      outcome: { code: 'tier-unavailable' },
    });
  });

  it('takes the next faster tier where the fastest is not to be had, and the first where there is none', async () => {
    const requests: string[] = [];
    const world = await createTieringWorld(observed(requests, async () => ({ outcome: 'tier-unavailable' })));
    const blob = await world.addBlob(1, 800, 'GLACIER');
    await ask(world, blob, 24 * HOUR_MS);
    await ask(world, blob, 6 * MINUTE_MS);
    await world.run();
    expect(requests).toEqual(['expedited', 'standard', 'bulk']);
    expect(await world.restore(blob.digest)).toMatchObject({
      state: 'restoring',
      tier: 'bulk',
      readyAt: world.clock.now() + RESTORE_DELAYS.bulk,
    });
  });

  it('ends also where it is readable before it was made faster', async () => {
    const { world, blob } = await askedInBulk([]);
    await ask(world, blob, 6 * MINUTE_MS);
    const [message] = await world.takeOutbox();
    await world.clock.advance(RESTORE_DELAYS.bulk);
    await world.deliver('restore', message!.body);
    await world.run();
    const others = (await world.actions(blob.digest)).filter(({ reason }) => reason !== 'needed-sooner');
    expect(others.map(({ type, state }) => [type, state])).toEqual([
      ['restore', 'done'],
      ['transition', 'done'],
    ]);
    expect(await hastening(world, blob)).toMatchObject({ state: 'superseded' });
  });

  it('leaves no decision open when its row goes for another reason', async () => {
    const { world, blob } = await askedInBulk([]);
    await ask(world, blob, 6 * MINUTE_MS);
    const row = await world.restore(blob.digest);
    const ended = { state: 'failed' as const, at: world.clock.now(), code: 'blob-purged', text: 'gone' };
    await world.catalog.transact(await endDecisions(world.catalog, row!, ended));
    expect((await world.actions(blob.digest)).map(({ state }) => state)).toEqual(['failed', 'failed']);
    expect(await endDecisions(world.catalog, row!, ended)).toEqual([]);
  });

  it('is finished by the schedule when no event comes, and judged again', async () => {
    const { world, blob } = await asked();
    await world.run();
    expect(world.rescans).toEqual([]);
    await world.clock.advance(HOUR_MS);
    await world.watchRestores();
    await world.run();
    expect(world.rescans).toEqual([blob.digest]);
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
  });

  it('is finished by the schedule also when the bucket’s answer to the asking was lost with the event', async () => {
    const { world, blob } = await asked();
    const { versionId } = (await world.blob(blob.digest)).origin;
    await world.deps.objects.restore(blobKey(blob.digest), versionId, { tier: 'standard', days: 3 });
    await world.run();
    await world.clock.advance(HOUR_MS);
    await world.watchRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
  });

  it('asks again when the restored copy expires before it was copied, and publishes nothing of it', async () => {
    const { world, blob } = await asked();
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    const [move] = await world.takeOutbox();
    expect(move).toMatchObject({ queue: 'transition' });
    await world.clock.advance(4 * DAY_MS);
    expect(await world.deliver('transition', move!.body)).toBe(true);
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER' } });
    await world.run();
    expect(await world.restore(blob.digest)).toMatchObject({ state: 'restoring', attempt: 2 });
    const again = (await world.actions(blob.digest)).find(({ reason }) => reason === 'expired-before-its-copy');
    expect(again?.chosen).toBe(`restore ${replayRestore(again?.inputs ?? '', rates)}`);
    await world.clock.advance(RESTORE_DELAYS.standard);
    await world.tellRestores();
    await world.run();
    expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
    expect(await world.versions(blob.digest)).toHaveLength(1);
  });

  it.each([1, 4])(
    'copies again what can still be read when %i copies were not right, with one restore',
    async (wrong) => {
      const { world, blob } = await spoiled(wrong);
      expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
      expect(await world.restore(blob.digest)).toBeUndefined();
      const actions = await world.actions(blob.digest);
      expect(actions.filter(({ type }) => type === 'restore')).toHaveLength(1);
      expect(actions.filter(({ outcome }) => outcome?.code === 'copy-differs')).toHaveLength(wrong);
      expect(await world.versions(blob.digest)).toHaveLength(1);
    },
  );

  it('gives up after five copies that were not right', async () => {
    const { world, blob } = await spoiled(Number.POSITIVE_INFINITY);
    expect(await world.restore(blob.digest)).toBeUndefined();
    const actions = await world.actions(blob.digest);
    expect(actions.filter(({ type }) => type === 'restore')).toHaveLength(1);
    expect(actions.filter(({ outcome }) => outcome?.code === 'copy-differs')).toHaveLength(5);
    expect((await world.versions(blob.digest)).map((one) => one.storageClass)).toEqual(['GLACIER']);
  });

  it('gives up after five restored copies that expired', async () => {
    const { world, blob } = await asked();
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await world.run();
      expect(await world.restore(blob.digest)).toMatchObject({ attempt });
      await world.clock.advance(10 * DAY_MS);
      await world.watchRestores();
    }
    await world.run();
    expect(await world.restore(blob.digest)).toBeUndefined();
    expect((await world.actions(blob.digest)).every(({ state }) => state === 'failed')).toBe(true);
    expect((await world.versions(blob.digest)).map((one) => one.storageClass)).toEqual(['GLACIER']);
  });

  it('gives up, with an error, when the archived object is not in the bucket', async () => {
    const { world, blob } = await asked();
    await world.objects.remove(blobKey(blob.digest), blob.origin.versionId);
    await world.run();
    expect(await world.restore(blob.digest)).toBeUndefined();
    expect(world.counted('RestoreStep', 'give-up')).toBe(1);
  });

  it('takes repeated and late events for what they are', async () => {
    const { world, blob } = await asked();
    await world.run();
    await world.clock.advance(RESTORE_DELAYS.standard);
    world.objects.tellRestores();
    const [event] = world.objects.notifications(100).filter((one) => one.event.includes('Restore Completed'));
    for (let times = 0; times < 3; times += 1) await world.deliver('restore', JSON.parse(event!.event));
    expect((await world.takeOutbox()).filter(({ queue }) => queue === 'transition')).toHaveLength(1);
    await world.clock.advance(10 * DAY_MS);
    expect(await world.deliver('restore', JSON.parse(event!.event))).toBe(true);
    // Its days are over by then: that is what an event makes one look at, not what it says.
    expect(await world.restore(blob.digest)).toMatchObject({ state: 'asked', attempt: 2 });
  });

  it('goes on from wherever it was killed', async () => {
    expect(await restoreCutAt(0, 'before')).toBeGreaterThan(20);
    for (const moment of ['before', 'after'] as const) {
      const calls = await restoreCutAt(0, moment);
      for (let nth = 1; nth <= calls; nth += 1) await restoreCutAt(nth, moment);
    }
  });

  it('goes on from wherever it was killed while it was made faster, which the bucket takes once', async () => {
    expect(await restoreCutAt(0, 'before', 6 * MINUTE_MS)).toBeGreaterThan(25);
    for (const moment of ['before', 'after'] as const) {
      const calls = await restoreCutAt(0, moment, 6 * MINUTE_MS);
      for (let nth = 1; nth <= calls; nth += 1) await restoreCutAt(nth, moment, 6 * MINUTE_MS);
    }
  });
});

/** A restore whose processes end at one call, and that goes on by the schedule. */
async function restoreCutAt(nth: number, moment: Moment, soonerMs?: number): Promise<number> {
  const interruption = createInterruption();
  let taken = 0;
  const world = await createTieringWorld({
    ...interruption,
    objects: (store) =>
      interruption.objects({
        ...store,
        restore: async (...args) => {
          const answer = await store.restore(...args);
          if (answer.outcome === 'restoring') taken += 1;
          return answer;
        },
      }),
  });
  const blob = await world.addBlob(1, 800, 'GLACIER');
  await ask(world, blob, soonerMs === undefined ? undefined : 24 * HOUR_MS);
  if (soonerMs !== undefined) await world.run();
  const read = (withinMs: number) => ask(world, blob, withinMs).catch(() => ask(world, blob, withinMs));
  const work = async () => {
    for (let rounds = 0; rounds < 6; rounds += 1) {
      for (const { queue, body } of await world.takeOutbox()) {
        const handler = queue === 'restore' ? 'restore' : 'transition';
        if (!(await world.deliver(handler, body))) await world.deliver(handler, body);
      }
      await world.clock.advance(RESTORE_DELAYS.standard);
      await world.tellRestores();
    }
  };
  interruption.cutAt(nth, moment);
  if (soonerMs !== undefined) for (let readers = 0; readers < 3; readers += 1) await read(soonerMs);
  await work();
  const calls = interruption.calls(moment);
  interruption.cutAt(0);
  await world.clock.advance(HOUR_MS);
  await world.watchRestores();
  await work();
  expect(await world.blob(blob.digest)).toMatchObject({ origin: { storageClass: 'GLACIER_IR' } });
  expect(await world.restore(blob.digest)).toBeUndefined();
  expect((await world.versions(blob.digest)).filter((one) => !one.isDeleteMarker)).toHaveLength(1);
  expect(taken).toBe(soonerMs === undefined ? 1 : 2);
  expect((await world.actions(blob.digest)).filter(({ state }) => state === 'pending')).toEqual([]);
  return calls;
}
