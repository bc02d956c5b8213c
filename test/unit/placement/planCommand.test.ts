import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { registerPlan } from '../../../cli/commands/plan.ts';
import { PACK_TERMS } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
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
      policy: 'rules-2',
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
    const plan = JSON.parse(await strata('plan', '--inventory', path, '--policy', 'dollars', '--json'));
    expect(plan.bound).toMatchObject({ objects: 2, firstFreeAt: NOW + 10 * DAY_MS });
    expect(plan.bound.liabilityUsd).toBeCloseTo((0.004 * (30 + 10) * 24) / 730, 9);
    expect(await strata('plan', '--inventory', path)).toContain('2 are bound by a minimum duration');
  });

  it('says in words what would move', async () => {
    const text = await strata('plan', '--inventory', await inventory({}), '--policy', 'dollars');
    expect(text.slice(0, text.indexOf('Judged by'))).toMatchInlineSnapshot(`
      "1 of 1 object would move: $0.02 less a month for $0.000005400 once
        STANDARD → INTELLIGENT_TIERING: 1 object, 1.00 GiB, $0.02 → $0.006961 a month, once $0.000005400 and $0.00 early deletion
      "
    `);
  });

  it('explains the decision for one object', async () => {
    const path = await inventory({}, { knownReadsPerDay: 0.0001 });
    const explain = ['plan', '--inventory', path, '--policy', 'dollars', '--explain'];
    const text = await strata(...explain, `${'0'.repeat(63)}1`);
    expect(text).toContain('moves from STANDARD to GLACIER_IR: it is the class with the least expected dollars');
    expect(text).not.toContain('objects would move');
    const decision = JSON.parse(await strata(...explain, `${'0'.repeat(63)}1`, '--json'));
    expect(decision).toMatchObject({ schema: 'strata.tier-decision/v1', to: 'GLACIER_IR', reason: 'cheaper' });
  });

  it('says by what it has judged, and at which prices', async () => {
    const path = await inventory({});
    expect(await strata('plan', '--inventory', path)).toContain(
      'Judged by rules-2, as planes ship: no plane was named; packing dry-run.\nPrices: ',
    );
    const plan = JSON.parse(await strata('plan', '--inventory', path, '--policy', 'dollars', '--json'));
    expect(plan).toMatchObject({ policy: 'dollars-3', basis: 'no-plane', prices: shippedPriceBook().id });
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
    expect(printed).toContain('1 of 1 object would be elsewhere, 0 where reads cost more');
    expect(printed).toMatch(/^From rules-2 \(packing dry-run\) to dollars-3 \(packing dry-run\), at prices /);
    expect(process.exitCode).toBeUndefined();
  });

  it('tells what two price books would have otherwise, in dollars by the second one', async () => {
    const aws = shippedPriceBook().books[0]!;
    const dear = at('dear.json');
    const storage = structuredClone(aws.storage);
    for (const one of ['STANDARD_IA', 'GLACIER_IR']) storage[one] = { ...storage[one]!, usdPerGbMonth: 0.05 };
    await writeFile(dear, JSON.stringify({ ...aws, id: 'own/contract', asOf: '2026-11-21', storage }));
    const path = await inventory({ createdAt: NOW - 400 * DAY_MS, bytes: 2 ** 40, knownReadsPerDay: 0.0005 });
    const alike = await strata('policy', 'diff', 'dollars', 'dollars', '--inventory', path);
    expect(alike).toContain('0 of 1 object would be elsewhere');
    const args = ['policy', 'diff', 'dollars', 'dollars', '--inventory', path, '--against', dear] as const;
    const told = await strata(...args);
    // A tebibyte is 1,024 billed gigabytes, at $0.05.
    expect(told).toContain(
      '1 object, 1.00 TiB, would not go from STANDARD to GLACIER_IR but go to INTELLIGENT_TIERING: $51.20 → $7.13 a month',
    );
    expect(told).toMatch(
      /Together \$44\.07 less a month, for \$0\.0010\d+ once, by the prices of own\/contract@2026-11-21\./,
    );
    const json = JSON.parse(await strata(...args, '--json'));
    expect(json).toMatchObject({ changed: 1, flows: [{ from: 'STANDARD', before: 'GLACIER_IR', objects: 1 }] });
    expect(json.against).not.toBe(json.prices);
    expect(await strata(...args, '--prices', dear)).toContain('0 of 1 object would be elsewhere');
  });

  it('compares settings of one policy', async () => {
    const read = { createdAt: NOW - 400 * DAY_MS, lastAccessAt: NOW - DAY_MS, accessesLast30Days: 1 };
    const path = await inventory({ ...read, storageClass: 'STANDARD_IA' });
    const next = 'rules:warmAgeDays=700,tierPacking=off';
    const diff = JSON.parse(await strata('policy', 'diff', next, 'in-force', '--inventory', path, '--json'));
    expect(diff).toMatchObject({ present: 'rules-2(warmAgeDays=700)', next: 'rules-2', caught: 1, blocked: true });
    process.exitCode = undefined;
    const back = JSON.parse(await strata('policy', 'diff', 'rules', next, '--inventory', path, '--json'));
    expect(back).toMatchObject({ changed: 1, caught: 0, blocked: false });
  });

  it('tells what deletes and packing would change', async () => {
    const idle = { storageClass: 'GLACIER_IR', accesses: 0, expiry: 'expires' };
    const terms = { ...PACK_TERMS, aboveBytes: 100 };
    const packable = { packing: { packed: false, bytes: 2 ** 28, parts: 16, terms }, accessesLast30Days: 0 };
    const path = await inventory(idle, { storageClass: 'STANDARD_IA', ...packable });
    const planned = async (present: string, next: string) => {
      return JSON.parse(await strata('policy', 'diff', present, next, '--inventory', path, '--json'));
    };
    expect(await planned('lifecycle', 'lifecycle:lifecycleDeletes=on')).toMatchObject({ changed: 1, colder: 1 });
    expect(await planned('rules', 'rules:tierPacking=on')).toMatchObject({ changed: 1, colder: 1 });
    expect(await planned('rules:tierPacking=dry-run', 'rules:tierPacking=off')).toMatchObject({ changed: 0 });
  });

  it.each([
    ['luck', /luck is none of them/],
    ['rules:warmAgeDay=1', /is no threshold/],
    ['rules:hotPerDay=0.01', /must be at least warmPerDay/],
    ['dollars:warmAgeDays=1', /warmAgeDays=1 is no setting of it/],
    ['lifecycle:lifecycleDeletes=off', /lifecycleDeletes is one of on, dry-run/],
    ['rules:tierPacking', /tierPacking is one of/],
    ['rules:packAboveBytes=many', /packAboveBytes is a number/],
  ])('refuses %s', async (wrong, why) => {
    const path = await inventory({});
    await expect(strata('policy', 'diff', 'in-force', wrong, '--inventory', path)).rejects.toThrow(why);
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
