import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { registerPlan } from '../../../cli/commands/plan.ts';
import { DAY_MS } from '../../../lib/shared/units.ts';
import { useCommands } from '../../support/commands.ts';

const NOW = Date.UTC(2026, 10, 20);
const { at, strata: run } = useCommands(registerPlan);
const strata = (...args: string[]): Promise<string> => run(...args, '--at', '2026-11-20');

async function inventory(...objects: object[]): Promise<string> {
  const path = at('inventory.jsonl');
  const lines = objects.map((one, index) =>
    JSON.stringify({
      digest: index.toString(16).padStart(64, '0'),
      bytes: 2 ** 30,
      storageClass: 'STANDARD',
      createdAt: NOW - 400 * DAY_MS,
      transitionedAt: NOW - 400 * DAY_MS,
      accessesLast30Days: 0,
      ...one,
    }),
  );
  await writeFile(path, lines.join('\n'));
  return path;
}

describe('strata plan', () => {
  it('adds up what would move, what it saves and what it costs once', async () => {
    const path = await inventory({}, {}, { accessesLast30Days: 90, lastAccessAt: NOW - DAY_MS });
    const plan = JSON.parse(await strata('plan', '--inventory', path, '--policy', 'rules', '--json'));
    expect(plan).toMatchObject({
      schema: 'strata.plan/v1',
      policy: 'rules-1',
      objects: 3,
      moves: 2,
      kept: { 'already-there': 1 },
    });
    // Two objects of 1 GiB from $0.023 to $0.004; a PUT into GLACIER_IR and a GET from STANDARD each.
    expect(plan.savedUsdPerMonth).toBeCloseTo(2 * 0.019, 9);
    expect(plan.onceUsd).toBeCloseTo(2 * (0.00002 + 0.0000004), 12);
  });

  it('takes only the moves between two classes where these are named', async () => {
    const path = await inventory({}, { storageClass: 'STANDARD_IA', createdAt: NOW - 40 * DAY_MS }, {});
    const planned = async (...args: string[]) => {
      return JSON.parse(await strata('plan', '--inventory', path, '--policy', 'rules', '--json', ...args));
    };
    expect(await planned('--from', 'STANDARD')).toMatchObject({ objects: 2, moves: 2 });
    expect(await planned('--to', 'GLACIER_IR')).toMatchObject({ objects: 2, moves: 2 });
    expect(await planned('--from', 'STANDARD', '--to', 'DEEP_ARCHIVE')).toMatchObject({ objects: 0, moves: 0 });
  });

  it('keeps the ledger of minimum durations', async () => {
    const bound = { storageClass: 'GLACIER_IR', createdAt: NOW - 400 * DAY_MS, transitionedAt: NOW - 60 * DAY_MS };
    const path = await inventory(
      bound,
      { ...bound, transitionedAt: NOW - 80 * DAY_MS },
      { ...bound, transitionedAt: NOW - 90 * DAY_MS },
    );
    const plan = JSON.parse(await strata('plan', '--inventory', path, '--json'));
    expect(plan.bound).toMatchObject({ objects: 2, firstFreeAt: NOW + 10 * DAY_MS });
    expect(plan.bound.liabilityUsd).toBeCloseTo((0.004 * (30 + 10) * 24) / 730, 9);
    expect(await strata('plan', '--inventory', path)).toContain('2 are bound by a minimum duration');
  });

  it('says in words what would move', async () => {
    expect(await strata('plan', '--inventory', await inventory({}))).toMatchInlineSnapshot(`
      "1 of 1 objects would move: $0.02 less a month for $0.000005400 once
        STANDARD → INTELLIGENT_TIERING: 1 objects, 1.00 GiB, $0.02 → $0.006961 a month, once $0.000005400 and $0.00 early deletion
      "
    `);
  });

  it('explains the decision for one object', async () => {
    const path = await inventory({}, { knownReadsPerDay: 0.0001 });
    const text = await strata('plan', '--inventory', path, '--explain', `${'0'.repeat(63)}1`);
    expect(text).toContain('moves from STANDARD to GLACIER_IR: it is the class with the least expected dollars');
    expect(text).not.toContain('objects would move');
    const decision = JSON.parse(await strata('plan', '--inventory', path, '--explain', `${'0'.repeat(63)}1`, '--json'));
    expect(decision).toMatchObject({ schema: 'strata.tier-decision/v1', to: 'GLACIER_IR', reason: 'cheaper' });
  });

  it('names the line that holds no facts', async () => {
    const path = await inventory({}, { bytes: -1 });
    await expect(strata('plan', '--inventory', path)).rejects.toMatchObject({
      code: 'bad-inventory',
      message: expect.stringContaining(':2 '),
    });
  });
});

describe('strata policy diff', () => {
  it('lets a change pass that catches nothing in use', async () => {
    const printed = await strata('policy', 'diff', 'rules', 'dollars', '--inventory', await inventory({}));
    expect(printed).toContain('1 of 1 objects would be elsewhere, 0 where reads cost more');
    expect(process.exitCode).toBeUndefined();
  });

  it('blocks one that would catch objects that are read or held', async () => {
    const recent = { lastAccessAt: NOW - DAY_MS, accessesLast30Days: 5 };
    const path = await inventory(recent, { heldBy: 'lease' }, {});
    const diff = JSON.parse(await strata('policy', 'diff', 'dollars', 'rules', '--inventory', path, '--json'));
    expect(diff).toMatchObject({ changed: 3, colder: 3, caught: 2, blocked: true });
    expect(diff.examples.map((one: { why: string }) => one.why)).toEqual(['read-recently', 'held']);
    expect(process.exitCode).toBe(1);
  });
});
