import { describe, expect, it } from 'vitest';
import { Opportunities, RetiredVersion, StoredObject } from '../../../lib/costs/index.ts';
import {
  compileRates,
  decideTier,
  DOLLARS,
  TIER_RULES,
  TierFacts,
  type TierPolicy,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, EpochMs, GIB, HOUR_MS } from '../../../lib/shared/units.ts';

const RATES = compileRates(shippedPriceBook());
const NOW = EpochMs.parse(Date.UTC(2026, 10, 20));

function decide(found: Opportunities, policy: TierPolicy, over: object): void {
  const facts = TierFacts.parse({
    digest: 'ab'.repeat(32),
    bytes: 100 * GIB,
    storageClass: 'STANDARD',
    createdAt: NOW - 500 * DAY_MS,
    transitionedAt: NOW - 500 * DAY_MS,
    accessesLast30Days: 0,
    ...over,
  });
  found.addDecision(decideTier(facts, policy, RATES, NOW), facts, RATES, NOW);
}

const origin = (over: object, copies: readonly object[] = []) =>
  StoredObject.parse({
    name: 'cd'.repeat(32),
    bytes: 1000,
    models: ['flux'],
    references: 1,
    reads: 0,
    copies: [{ kind: 'origin', ...COPY, storageUsd: 10 }, ...copies],
    ...over,
  });
const COPY = { tier: 'STANDARD', bytes: 1000, requestUsd: 0, retrievalUsd: 0, liabilityUsd: 0 };

const version = (number: string, saved: number, state = 'retired') =>
  RetiredVersion.parse({
    model: 'flux',
    version: number,
    state,
    files: 2,
    bytes: 10,
    usdPerMonth: saved,
    savedUsdPerMonth: saved,
    onceUsd: 0.5,
  });

describe('opportunities', () => {
  it('are what a policy would move, with dollars, risk and the command', () => {
    const found = new Opportunities('rules', 20);
    decide(found, TIER_RULES, {});
    decide(found, TIER_RULES, {});
    decide(found, TIER_RULES, { storageClass: 'GLACIER_IR' });
    const { opportunities, savedUsdPerMonth } = found.summary();
    expect(opportunities).toHaveLength(1);
    const [one] = opportunities;
    expect(one).toMatchObject({
      kind: 'lifecycle',
      what: 'STANDARD → GLACIER_IR',
      objects: 2,
      risk: 'medium',
      riskText: 'reads are charged by the byte',
      waitMs: 0,
      counted: true,
    });
    // 2 × 100 GiB from $0.023 to $0.004.
    expect(one?.savedUsdPerMonth).toBeCloseTo(2 * 100 * 0.019, 6);
    expect(savedUsdPerMonth).toBeCloseTo(3.8, 6);
    // Copies above 5 GiB go in parts: 20 and two requests into GLACIER_IR at $0.02 a thousand, and a GET each.
    expect(one?.onceUsd).toBeCloseTo(2 * (22 * 0.00002 + 0.0000004), 9);
    expect(one?.command).toBe(
      'strata plan --policy rules --from STANDARD --to GLACIER_IR --apply --max-cost 0.01 --max-moves 2',
    );
  });

  it('are only what makes the bill smaller: of moves that do not there is a count', () => {
    const found = new Opportunities('rules', 20);
    decide(found, TIER_RULES, { storageClass: 'GLACIER_IR', createdAt: NOW - DAY_MS, transitionedAt: NOW - DAY_MS });
    found.addVersion(version('1.0.0', 0));
    decide(found, TIER_RULES, {});
    const { opportunities, saveNothing, savedUsdPerMonth } = found.summary();
    expect(opportunities.map(({ what }) => what)).toEqual(['STANDARD → GLACIER_IR']);
    expect(saveNothing).toBe(2);
    expect(savedUsdPerMonth).toBe(opportunities[0]?.savedUsdPerMonth);
  });

  it('tell of objects in use, for which the command would be refused', () => {
    const found = new Opportunities('rules', 20);
    decide(found, TIER_RULES, { lastAccessAt: NOW - DAY_MS });
    expect(found.summary().opportunities[0]).toMatchObject({
      risk: 'high',
      riskText: '1 of 1 are in use, and the plan is refused while they are',
    });
  });

  it('tell how long a read waits that was answered at once', () => {
    const found = new Opportunities('dollars', 20);
    decide(found, DOLLARS, { knownReadsPerDay: 0, restoreToleranceMs: 12 * HOUR_MS });
    expect(found.summary().opportunities[0]).toMatchObject({
      what: 'STANDARD → DEEP_ARCHIVE',
      waitMs: 12 * HOUR_MS,
      latency: 'a read waits up to 12 h for its restore',
      riskText: 'reads need a restore',
    });
  });

  it('tell what a forecast that was only learned may lose', () => {
    const found = new Opportunities('dollars', 20);
    const memory = { reads: 0, exposureMs: 1000 * DAY_MS };
    decide(found, DOLLARS, {
      storageClass: 'INTELLIGENT_TIERING',
      lastAccessAt: NOW - 20 * DAY_MS,
      memory,
      slackUsd: 100,
    });
    const [one] = found.summary().opportunities;
    expect(one?.riskText).toMatch(/^if the forecast is wrong, up to \$\d+\.\d+ more than Intelligent-Tiering$/);
  });

  it('are bytes that are stored twice, and estimates of compression that the total leaves out', () => {
    const found = new Opportunities('dollars', 20);
    found.addObject(origin({ ratio: 0.75 }, [{ kind: 'replaced', ...COPY, storageUsd: 3 }]));
    found.addObject(origin({ ratio: 0.7, reads: 1 }));
    found.addObject(origin({ ratio: 0.97 }));
    found.addObject(StoredObject.parse({ ...origin({}), copies: [{ kind: 'uploaded', ...COPY, storageUsd: 2 }] }));
    const { opportunities, savedUsdPerMonth } = found.summary();
    expect(opportunities.map(({ kind, objects, counted }) => [kind, objects, counted])).toEqual([
      ['replaced-copies', 1, true],
      ['compression', 1, false],
      ['deduplication', 1, true],
    ]);
    expect(opportunities[1]?.savedUsdPerMonth).toBeCloseTo(2.5, 12);
    expect(savedUsdPerMonth).toBe(5);
  });

  it('tell what one copy for all versions saves already', () => {
    const found = new Opportunities('dollars', 20);
    found.addObject(origin({ references: 3 }));
    found.addObject(origin({ references: 0 }));
    const { deduplicated, opportunities, savedUsdPerMonth } = found.summary();
    expect(deduplicated).toEqual({ bytes: 2000, usdPerMonth: 20 });
    expect(opportunities).toMatchObject([
      { kind: 'deduplication', objects: 1, bytes: 2000, savedUsdPerMonth: 20, risk: 'low', waitMs: 0, counted: false },
    ]);
    expect(savedUsdPerMonth).toBe(0);
  });

  it('keep the versions that save most, however many there are', () => {
    const found = new Opportunities('dollars', 2);
    for (let index = 1; index <= 50; index += 1) found.addVersion(version(`1.0.${index}`, (index * 7) % 50));
    found.addVersion(version('2.0.0', 60, 'superseded'));
    const { opportunities, savedUsdPerMonth } = found.summary();
    expect(opportunities.map(({ what, command }) => [what, command])).toEqual([
      ['flux@2.0.0', 'strata deprecate flux@2.0.0'],
      ['flux@1.0.7', 'strata rm flux@1.0.7'],
    ]);
    expect(savedUsdPerMonth).toBe(0);
  });
});
