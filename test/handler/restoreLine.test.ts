import { describe, expect, it } from 'vitest';
import { RESTORE_DELAYS } from '../../lib/adapters/embedded/objectRestores.ts';
import { type Blob, expectationOf, RestoreRow, RestoreSpendingRow } from '../../lib/catalog/index.ts';
import { limitedProblem } from '../../lib/fleet/index.ts';
import { compileRates } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { replayRestore, restoreArchived, type RestoreLimits } from '../../lib/restores/index.ts';
import { blobKey } from '../../lib/shared/digest.ts';
import { CorrelationId, Digest, ModelName } from '../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, HOUR_MS, MINUTE_MS, Usd } from '../../lib/shared/units.ts';
import { createInterruption, type Interruption } from '../support/interruption.ts';
import { createTieringWorld } from '../support/tieringWorld.ts';

const rates = compileRates(shippedPriceBook());
/** Of 200,000 bytes in GLACIER by the standard tier. */
const FEE = 0.000_05 + 200_000 * (0.01 / 2 ** 30);

async function readers(count: number, limits: Partial<RestoreLimits> = {}, between?: Interruption) {
  const world = await createTieringWorld(between, 'on', limits);
  const blobs: Blob[] = [];
  for (let seed = 0; seed < count; seed += 1) blobs.push(await world.addBlob(seed, 800, 'GLACIER'));
  const ask = async (blob: Blob, over: { withinMs?: number; reason?: 'operator'; dryRun?: boolean } = {}) => {
    const { reason = 'read' as const, ...rest } = over;
    const correlationId = CorrelationId.parse('test');
    const wish = { model: ModelName.parse('flux'), blobs: [await world.blob(blob.digest)], reason, correlationId };
    const settings = reason === 'operator' ? undefined : world.deps.settings;
    const { asked, refused } = await restoreArchived({ ...world.deps, rates }, { ...wish, ...rest, limits: settings });
    return { ...asked[0], refused: refused[0] };
  };
  const states = async () => {
    const rows = await Promise.all(blobs.map(({ digest }) => world.restore(digest)));
    return rows.map((row) => row?.state ?? 'none');
  };
  const inState = async (state: string) => (await states()).filter((one) => one === state).length;
  const spending = async () => (await RestoreSpendingRow.get(world.catalog))?.value;
  /** As the schedule does every quarter of an hour. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 15 * MINUTE_MS) {
      await world.clock.advance(15 * MINUTE_MS);
      await world.watchRestores();
      await world.run();
      await world.tellRestores();
      await world.run();
    }
  };
  return { world, blobs, ask, states, inState, spending, pass };
}

describe('readers of many archived models at once', () => {
  it('are all told when theirs is ready, and get them in the order of asking, as many an hour as may begin', async () => {
    const { world, blobs, ask, inState, spending, pass } = await readers(50, { restoresPerHour: 10 });
    const first = await Promise.all(blobs.map((blob) => ask(blob)));
    expect(first.map(({ restore }) => restore?.state)).toEqual(Array(50).fill('queued'));
    await world.run();
    expect([await inState('restoring'), await inState('queued')]).toEqual([10, 40]);
    expect(await spending()).toMatchObject({ restores: 10 });
    const told = await Promise.all(blobs.map((blob) => ask(blob)));
    const turns = told.flatMap(({ restore }) => (restore?.turn === undefined ? [] : [restore.turn.beginsAt]));
    const hours = turns.map((at) => Math.ceil((at - world.clock.now()) / HOUR_MS));
    for (const hour of [1, 2, 3, 4]) expect(hours.filter((one) => one === hour)).toHaveLength(10);
    for (const { restore, known } of told) {
      expect(known).toBe(true);
      const begins = restore?.turn?.beginsAt ?? world.clock.now();
      expect(restore?.readyAt).toBeGreaterThanOrEqual(begins + RESTORE_DELAYS.standard);
    }
    const ready = Math.max(...told.map(({ restore }) => restore?.readyAt ?? 0)) - world.clock.now();
    await pass(ready + HOUR_MS);
    expect(await inState('none')).toBe(50);
    for (const { digest } of blobs) expect((await world.blob(digest)).origin.storageClass).toBe('GLACIER_IR');
  });

  it('spend no more in a day than they may, also when each is begun by its own call at the same time', async () => {
    const { world, blobs, ask, inState, spending, pass } = await readers(12, { restoreBudgetUsdPerDay: 5.5 * FEE });
    await Promise.all(blobs.map((blob) => ask(blob)));
    const messages = await world.takeOutbox();
    expect(messages).toHaveLength(12);
    const done = await Promise.all(messages.map(({ body }) => world.deliver('restore', body)));
    expect(done).toEqual(Array(12).fill(true));
    expect([await inState('asked'), await inState('queued')]).toEqual([5, 7]);
    await pass(DAY_MS);
    expect(await inState('queued')).toBe(2);
    expect((await spending())?.usd).toBeLessThanOrEqual(5.5 * FEE);
    await pass(2 * DAY_MS);
    expect(await inState('none')).toBe(12);
  });

  it('lose nothing when whoever begins it is killed at any call', async () => {
    for (const moment of ['before', 'after'] as const) {
      for (let nth = 1, calls = 1; nth <= calls; nth += 1) {
        const interruption = createInterruption();
        const { world, blobs, ask, inState, pass, spending } = await readers(3, { restoresPerHour: 2 }, interruption);
        for (const blob of blobs) await ask(blob);
        interruption.cutAt(nth, moment);
        for (const { body } of await world.takeOutbox()) await world.deliver('restore', body);
        calls = interruption.calls(moment);
        interruption.cutAt(0);
        expect((await spending())?.restores ?? 0).toBeLessThanOrEqual(2);
        await pass(2 * HOUR_MS);
        expect(await inState('queued')).toBe(0);
        const begun = await Promise.all(
          blobs.map(
            async ({ digest }) => (await world.actions(digest)).filter(({ type }) => type === 'restore').length,
          ),
        );
        expect(begun).toEqual([1, 1, 1]);
        expect(calls).toBeGreaterThan(moment === 'before' ? 10 : 2);
      }
    }
  });

  it('are overtaken by an operator, who is counted', async () => {
    const { world, blobs, ask, spending } = await readers(3, { restoresPerHour: 1 });
    for (const blob of blobs) await ask(blob);
    await world.run();
    const last = blobs[2]!;
    expect(await ask(last, { reason: 'operator', dryRun: true })).toMatchObject({ restore: { state: 'asked' } });
    expect(await world.restore(last.digest)).toMatchObject({ state: 'queued' });
    expect(await ask(last, { reason: 'operator' })).toMatchObject({ known: false, restore: { state: 'asked' } });
    expect(await spending()).toMatchObject({ restores: 2 });
    await world.run();
    expect(await world.restore(last.digest)).toMatchObject({ state: 'restoring', wantedBy: 'operator' });
    expect(await world.restore(last.digest)).not.toHaveProperty('turn');
  });

  it.each(['restoring', 'restored'])('wait for no turn of what somebody has the bucket restore: %s', async (copy) => {
    const { world, blobs, ask, states, spending, pass } = await readers(2, { restoreBudgetUsdPerDay: 1.5 * FEE });
    for (const blob of blobs) await ask(blob);
    await world.run();
    const { digest, origin } = blobs[(await states()).indexOf('queued')]!;
    await world.objects.restore(blobKey(digest), origin.versionId, { tier: 'standard', days: 3 });
    if (copy === 'restored') await world.clock.advance(RESTORE_DELAYS.standard);
    const { actionId, versionId, correlationId } = (await world.restore(digest))!;
    await world.deliver('restore', { schema: 'restore-blob/1', actionId, digest, versionId, correlationId });
    expect(await world.restore(digest)).toMatchObject({ state: copy, attempt: 1 });
    expect(await world.restore(digest)).not.toHaveProperty('turn');
    await pass(RESTORE_DELAYS.standard + HOUR_MS);
    expect((await world.blob(digest)).origin.storageClass).toBe('GLACIER_IR');
    expect(await spending()).toMatchObject({ restores: 1, usd: FEE });
    expect((await world.actions(digest)).map(({ type, state }) => [type, state])).toEqual([['transition', 'done']]);
  });

  it('keep their place, and get a faster tier, when somebody comes who can wait less', async () => {
    const { world, blobs, ask, states, pass } = await readers(2, { restoresPerHour: 1 });
    for (const blob of blobs) await ask(blob, { withinMs: 2 * DAY_MS });
    await world.run();
    const second = blobs[(await states()).indexOf('queued')];
    const before = await world.restore(second!.digest);
    expect(before).toMatchObject({ state: 'queued', tier: 'bulk' });
    await ask(second!, { withinMs: 6 * HOUR_MS });
    const after = await world.restore(second!.digest);
    expect(after).toMatchObject({ tier: 'standard', askedAt: before!.askedAt, turn: { usd: FEE } });
    expect(after!.readyAt).toBeLessThan(before!.readyAt);
    // Who can wait longer changes nothing.
    await ask(second!, { withinMs: 2 * DAY_MS });
    expect(await world.restore(second!.digest)).toEqual(after);
    await pass(HOUR_MS);
    const [action] = await world.actions(second!.digest);
    expect(action).toMatchObject({ reason: 'read', chosen: 'restore standard' });
    expect(replayRestore(action!.inputs, rates)).toBe('standard');
  });

  it('keep their place and their tier when what somebody else needs sooner is too dear for any day', async () => {
    const { world, blobs, ask, states, pass } = await readers(2, { restoresPerHour: 1 });
    for (const blob of blobs) await ask(blob, { withinMs: 2 * DAY_MS });
    await world.run();
    const second = blobs[(await states()).indexOf('queued')]!;
    const before = await world.restore(second.digest);
    world.deps.settings.restoreBudgetUsdPerDay = FEE * 0.99;
    const told = await ask(second, { withinMs: 6 * HOUR_MS });
    expect(told).toMatchObject({ known: true, restore: { tier: 'bulk', readyAt: before!.readyAt } });
    expect(await world.restore(second.digest)).toEqual(before);
    await pass(HOUR_MS);
    expect(await world.restore(second.digest)).toMatchObject({ state: 'restoring', tier: 'bulk' });
  });

  it('are refused what is too dear for any day, and where the line is full', async () => {
    const dear = await readers(1, { restoreBudgetUsdPerDay: FEE / 2 });
    expect((await dear.ask(dear.blobs[0]!)).refused).toMatchObject({ limit: 'too-dear' });
    const slow = await readers(10, { restoreBudgetUsdPerDay: FEE * 1.5 });
    const answers = [];
    for (const blob of slow.blobs) answers.push(await slow.ask(blob));
    expect(answers.map(({ refused }) => refused?.limit)).toEqual([
      ...Array(8).fill(undefined),
      'line-too-long',
      'line-too-long',
    ]);
    const { title, hint } = limitedProblem(
      answers[9]!.refused!,
      slow.world.deps.settings,
      slow.world.clock.now(),
      'host',
    );
    expect(title).toContain('than may begin in a week ($');
    expect(hint).toContain(' The setting restoreBudgetUsdPerDay raises the limit.');
  });

  it.each([
    ['budget', { restoreBudgetUsdPerDay: FEE * 1.5 }, 9, 'The setting restoreBudgetUsdPerDay raises the limit.'],
    ['rate', { restoresPerHour: 1 }, 200, 'The setting restoresPerHour raises the limit.'],
    [
      'budget and rate',
      { restoreBudgetUsdPerDay: FEE * 24.5, restoresPerHour: 1 },
      200,
      'The settings restoreBudgetUsdPerDay and restoresPerHour raise the limit, both together.',
    ],
  ] as const)('are told which limit holds them up where it is the %s', async (_, limits, before, said) => {
    const { world, blobs, ask } = await readers(2, limits);
    const [first, last] = [blobs[0]!, blobs[1]!];
    await ask(first);
    const row = (await world.restore(first.digest))!;
    for (let nth = 0; nth < before; nth += 1) {
      const digest = Digest.parse(nth.toString(16).padStart(64, '0'));
      await world.catalog.transact([RestoreRow.put({ ...row, digest }, 'absent')]);
    }
    const { refused } = await ask(last);
    expect(refused).toMatchObject({ limit: 'line-too-long' });
    expect(limitedProblem(refused!, world.deps.settings, world.clock.now(), 'host').hint).toContain(said);
  });

  it('are told of both limits where raising either one lets them begin', () => {
    const now = EpochMs.parse(Date.UTC(2026, 10, 20, 23));
    const refused = { limit: 'line-too-long' as const, usd: Usd.parse(1) };
    const either = { settings: ['restoreBudgetUsdPerDay', 'restoresPerHour'] as const, either: true };
    const limits = { restoreBudgetUsdPerDay: 1, restoresPerHour: 1 };
    const { hint } = limitedProblem({ ...refused, heldUpBy: either }, limits, now, 'host');
    expect(hint).toContain('The settings restoreBudgetUsdPerDay or restoresPerHour raise the limit, each alone.');
  });

  it('are refused, and told so, where as many wait as may, though all of them begin within hours', async () => {
    const { world, blobs, ask } = await readers(2);
    const [first, last] = [blobs[0]!, blobs[1]!];
    await ask(first);
    const row = (await world.restore(first.digest))!;
    const digests = Array.from({ length: 999 }, (_, index) => Digest.parse(index.toString(16).padStart(64, '0')));
    const fill = async (some: readonly Digest[]) =>
      world.catalog.transact(some.map((digest) => RestoreRow.put({ ...row, digest }, 'absent')));
    for (let at = 0; at < 998; at += 100) await fill(digests.slice(at, Math.min(at + 100, 998)));
    expect(await ask(last, { dryRun: true })).toMatchObject({ restore: { state: 'queued' } });
    await fill(digests.slice(998));
    const { refused } = await ask(last);
    expect(refused).toMatchObject({ limit: 'line-full' });
    const { title, hint } = limitedProblem(refused!, world.deps.settings, world.clock.now(), 'host');
    expect(title).toMatch(/and 1,000 wait for their turn already\. More begin from .*Z on\.$/);
    expect(hint).not.toContain('The setting');
  });

  it('are told the truth when limits change while they wait: sooner, or that it became too dear', async () => {
    const { world, blobs, ask, inState, pass } = await readers(4, { restoresPerHour: 1 });
    for (const blob of blobs) await ask(blob);
    await world.run();
    world.deps.settings.restoresPerHour = 100;
    await pass(HOUR_MS);
    expect(await inState('queued')).toBe(0);
    const poor = await readers(2, { restoresPerHour: 1 });
    for (const blob of poor.blobs) await poor.ask(blob);
    await poor.world.run();
    poor.world.deps.settings.restoreBudgetUsdPerDay = FEE / 2;
    await poor.pass(HOUR_MS);
    expect(await poor.inState('queued')).toBe(0);
    expect(poor.world.counted('RestoreStep', 'forget')).toBe(1);
  });

  it('are told the truth when prices rise while they wait: what it costs now, or that it became too dear', async () => {
    for (const [budgetUsd, turn] of [
      [1.5 * FEE, { usd: FEE }],
      [0.5 * FEE, undefined],
    ] as const) {
      const { world, blobs, ask, states, pass } = await readers(2, { restoreBudgetUsdPerDay: 1.5 * FEE });
      for (const blob of blobs) await ask(blob);
      await world.run();
      const { digest } = blobs[(await states()).indexOf('queued')]!;
      const row = (await RestoreRow.get(world.catalog, digest))!;
      const cheap = { ...row.value, turn: { ...row.value.turn!, usd: Usd.parse(FEE / 4) } };
      await world.catalog.transact([RestoreRow.put(cheap, expectationOf(row))]);
      world.deps.settings.restoreBudgetUsdPerDay = budgetUsd;
      await pass(HOUR_MS);
      expect((await world.restore(digest))?.turn).toEqual(turn && expect.objectContaining(turn));
      expect(world.counted('RestoreStep', 'forget')).toBe(turn === undefined ? 1 : 0);
    }
  });

  it('are not held up by a row that nobody can read', async () => {
    const { world, blobs, ask, inState } = await readers(2);
    const key = { partition: `BLOB#${'0'.repeat(64)}`, sort: 'RESTORE' };
    const index = { listing: { partition: 'RESTORELINE', sort: '0' } };
    await world.catalog.transact([{ kind: 'put', item: { key, body: { v: 99 }, index }, expect: 'absent' }]);
    for (const blob of blobs) await ask(blob);
    await world.run();
    expect(await inState('restoring')).toBe(2);
  });

  it('forget one whose bytes went elsewhere meanwhile', async () => {
    const { world, blobs, ask } = await readers(1);
    await ask(blobs[0]!);
    await world.forget(blobs[0]!.digest);
    await world.run();
    expect(await world.restore(blobs[0]!.digest)).toBeUndefined();
  });
});
