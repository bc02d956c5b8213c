import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DOLLARS,
  decideTier,
  dollarClass,
  explainTier,
  recordTier,
  replayTier,
  switchUsd,
  TIER_RULES,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { canonicalJson } from '../../../lib/shared/canonicalJson.ts';
import { StorageClass } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, HOUR_MS, Usd } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, rates, tierFacts } from '../../support/tierFacts.ts';

const facts = (over: Partial<TierFacts> = {}): TierFacts => tierFacts({ storageClass: 'INTELLIGENT_TIERING', ...over });

const RETIRED = 0.0001;
const H100 = 6.88;

describe('what a learned move must reserve', () => {
  it('covers its way out of an archive, what that still charges, and the way home', () => {
    const small = facts({
      bytes: Bytes.parse(16_525),
      storageClass: 'GLACIER',
      transitionedAt: daysAgo(9),
      createdAt: daysAgo(9),
      slackUsd: Usd.parse(1),
    });
    const decision = decideTier(small, DOLLARS, rates, NOW);
    expect(decision).toMatchObject({ action: 'transition', to: 'STANDARD' });
    const [archive, there, home] = [rates.of('GLACIER'), rates.of('STANDARD'), rates.of('INTELLIGENT_TIERING')];
    const standing = { bytes: small.bytes, heldMs: 9 * DAY_MS, idleMs: 0 };
    const waysUsd = switchUsd(archive, there, standing) + switchUsd(there, home, { ...standing, heldMs: 0 });
    expect(decision.riskUsd).toBeGreaterThanOrEqual(waysUsd);
    const poor = decideTier({ ...small, slackUsd: Usd.parse(0.9 * waysUsd) }, DOLLARS, rates, NOW);
    expect(poor).not.toMatchObject({ to: 'STANDARD' });
  });
});

describe('the dollar policy', () => {
  it.each([
    [
      'brings what lies in STANDARD to Intelligent-Tiering',
      facts({ storageClass: 'STANDARD' }),
      'INTELLIGENT_TIERING',
      'cheaper',
    ],
    ['leaves what rests there for a year', facts(), undefined, 'no-cheaper-class'],
    [
      'takes a retired version to the instant archive at once',
      facts({ lastAccessAt: daysAgo(1), accessesLast30Days: 3, knownReadsPerDay: RETIRED }),
      'GLACIER_IR',
      'cheaper',
    ],
    [
      'takes it to the deep archive where its readers can wait',
      facts({ knownReadsPerDay: RETIRED, restoreToleranceMs: 12 * HOUR_MS }),
      'DEEP_ARCHIVE',
      'cheaper',
    ],
    [
      'does not where a GPU would wait for a likely read',
      facts({ knownReadsPerDay: 1 / 200, restoreToleranceMs: 12 * HOUR_MS, waitingUsdPerHour: H100 }),
      undefined,
      'no-cheaper-class',
    ],
    [
      'risks nothing on a learned forecast without an allowance',
      facts({ lastAccessAt: daysAgo(3), memory: { reads: 1, exposureMs: 500 * DAY_MS } }),
      undefined,
      'allowance-spent',
    ],
    [
      'risks what the allowance covers',
      facts({ lastAccessAt: daysAgo(3), memory: { reads: 1, exposureMs: 500 * DAY_MS }, slackUsd: Usd.parse(1) }),
      'GLACIER_IR',
      'cheaper',
    ],
    ['never moves what is held', facts({ storageClass: 'STANDARD', heldBy: 'legal-hold' }), undefined, 'held'],
  ] as const)('%s', (_name, given, to, reason) => {
    const decision = decideTier(given, DOLLARS, rates, NOW);
    expect(decision.reason).toBe(reason);
    expect(decision.action === 'transition' ? decision.to : undefined).toBe(to);
  });

  it('shows no alternative that breaks the promise to readers', () => {
    const { alternatives } = decideTier(facts(), DOLLARS, rates, NOW);
    const promised = alternatives.filter((one) => one.outlook !== undefined).map((one) => one.storageClass);
    expect(promised.sort()).toEqual(['GLACIER_IR', 'INTELLIGENT_TIERING', 'STANDARD', 'STANDARD_IA']);
  });

  const anyFacts = fc
    .record({
      bytes: fc.integer({ min: 0, max: 50_000_000_000 }),
      storageClass: fc.constantFrom(...StorageClass.options),
      age: fc.integer({ min: 0, max: 4000 }),
      idle: fc.option(fc.integer({ min: 0, max: 4000 }), { nil: undefined }),
      accesses: fc.integer({ min: 0, max: 500 }),
      known: fc.option(fc.double({ min: 0, max: 10, noNaN: true }), { nil: undefined }),
      slack: fc.option(fc.double({ min: 0, max: 10, noNaN: true }), { nil: undefined }),
      tolerance: fc.option(fc.constantFrom(0, 5 * HOUR_MS, 48 * HOUR_MS), { nil: undefined }),
      held: fc.option(fc.constantFrom('lease' as const, 'pin' as const), { nil: undefined }),
    })
    .map(({ bytes, storageClass, age, idle, accesses, known, slack, tolerance, held }) =>
      facts({
        bytes: Bytes.parse(bytes),
        storageClass,
        createdAt: daysAgo(age),
        transitionedAt: daysAgo(Math.floor(age / 2)),
        ...(idle === undefined ? {} : { lastAccessAt: daysAgo(Math.min(idle, age)) }),
        accessesLast30Days: accesses,
        ...(known === undefined ? {} : { knownReadsPerDay: known }),
        ...(slack === undefined ? {} : { slackUsd: Usd.parse(slack) }),
        ...(tolerance === undefined ? {} : { restoreToleranceMs: tolerance }),
        ...(held === undefined ? {} : { heldBy: held }),
      }),
    );

  it('decides the same again from a receipt, by rules and by dollars', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(TIER_RULES, DOLLARS), (given, policy) => {
        const inputs = canonicalJson(recordTier(given, NOW, rates));
        expect(replayTier(inputs, policy, rates)).toEqual(decideTier(given, policy, rates, NOW));
      }),
    );
    expect(replayTier('{"decision":"placement"}', DOLLARS, rates)).toBeUndefined();
  });

  it('decides on the hot path as it does with reasons, and never breaks the promise', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const decision = decideTier(given, DOLLARS, rates, NOW);
        if (given.heldBy !== undefined) {
          expect(decision.action).toBe('keep');
          return;
        }
        expect(decision.action === 'keep' ? decision.reason : decision.to).toBe(
          dollarClass(given, DOLLARS, rates, NOW),
        );
        if (decision.action === 'keep') return;
        const to = rates.of(decision.to);
        const kept = to.instant || to.restores.some((one) => one.waitMs <= (given.restoreToleranceMs ?? 0));
        expect(kept).toBe(true);
      }),
    );
  });
});

describe('an explanation', () => {
  it('counts in words that fit the number', () => {
    const opened = facts({
      lastAccessAt: daysAgo(1),
      accessesLast30Days: 1,
      bucketReads: { last30Days: 1, lastAt: daysAgo(1) },
    });
    const text = explainTier(decideTier(opened, TIER_RULES, rates, NOW), opened, TIER_RULES, rates, NOW);
    expect(text).toMatch(
      /Hosts last opened it on \S+, 1 time in the last 30 days; .* on \S+, 1 time in the last 30 days/,
    );
  });

  it('of a move by dollars says what, why, on what forecast and at what price', () => {
    const given = facts({ lastAccessAt: daysAgo(41), accessesLast30Days: 0, knownReadsPerDay: 1 / 1000 });
    const text = explainTier(decideTier(given, DOLLARS, rates, NOW), given, DOLLARS, rates, NOW);
    expect(text).toMatchInlineSnapshot(`
      "abababababab (6.31 GiB) stays in INTELLIGENT_TIERING: no other class is expected to cost less, moving included.
      It was last read on 2026-10-10, 0 times in the last 30 days. It is known that a read comes within 30 days with 3 %, within 1095 days with 67 %. Dollars are until then.

      class                  storage      reads  GPU wait  early deletion       moving  expected
      → INTELLIGENT_TIERING    $0.64  $2.661e-7     $0.00           $0.00        $0.00     $0.64
        GLACIER_IR             $0.55      $0.13     $0.00       $0.003263  $0.00008040     $0.68
        STANDARD_IA            $1.73      $0.04     $0.00       $0.001156  $0.00004040     $1.77
        STANDARD               $3.18  $2.661e-7     $0.00           $0.00  $0.00002040     $3.18
        GLACIER, DEEP_ARCHIVE: readers would wait longer than was promised

      Leaving INTELLIGENT_TIERING charges nothing for its minimum duration.
      Decided by dollars-3 for 2026-11-20T00:00:00.000Z.
      "
    `);
  });

  it('of a move by rules names the rule', () => {
    const given = facts({ storageClass: 'STANDARD_IA', transitionedAt: daysAgo(29) });
    const text = explainTier(decideTier(given, TIER_RULES, rates, NOW), given, TIER_RULES, rates, NOW);
    expect(text).toMatchInlineSnapshot(`
      "abababababab (6.31 GiB) stays in STANDARD_IA: its class is paid for until the minimum duration ends, so moving now would pay twice.
      It was never read since 2025-10-16.

      class                    a month  moving  early deletion
      → STANDARD_IA              $0.08   $0.00           $0.00
        DEEP_ARCHIVE         $0.006248   $0.06       $0.002594
        GLACIER                  $0.02   $0.06       $0.002594
        GLACIER_IR               $0.03   $0.06       $0.002594
        INTELLIGENT_TIERING      $0.04   $0.06       $0.002594
        STANDARD                 $0.15   $0.06       $0.002594

      Leaving STANDARD_IA before 2026-11-21 charges the rest of its minimum duration.
      Decided by rules-2 for 2026-11-20T00:00:00.000Z.
      "
    `);
  });
});
