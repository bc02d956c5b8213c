import { describe, expect, it } from 'vitest';
import {
  compileRates,
  decideRestoredTier,
  DOLLARS,
  LIFECYCLE,
  PACK_TERMS,
  TIER_RULES,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, GIB } from '../../../lib/shared/units.ts';

const NOW = EpochMs.parse(Date.UTC(2026, 10, 20));
const rates = compileRates(shippedPriceBook());
const daysAgo = (days: number) => EpochMs.parse(NOW - days * DAY_MS);

const ARCHIVED: TierFacts = {
  digest: Digest.parse('ab'.repeat(32)),
  bytes: Bytes.parse(10 * GIB),
  storageClass: 'GLACIER',
  createdAt: daysAgo(800),
  transitionedAt: daysAgo(60),
  accessesLast30Days: 0,
};

describe('restored bytes that somebody reads', () => {
  it.each([
    ['by rules: old, and read once', TIER_RULES, {}, 'GLACIER_IR', 'old-and-rarely-read'],
    ['by rules: young', TIER_RULES, { createdAt: daysAgo(100) }, 'STANDARD_IA', 'young-content'],
    ['by rules: read weekly, this read counted', TIER_RULES, { accessesLast30Days: 2 }, 'STANDARD_IA', 'read-weekly'],
    ['by rules: read daily', TIER_RULES, { accessesLast30Days: 40 }, 'STANDARD', 'read-daily'],
    ['by rules: too small to be cold', TIER_RULES, { bytes: Bytes.parse(1_000) }, 'STANDARD', 'below-class-minimum'],
    [
      'by rules that archive what was read today: kept cold',
      { ...TIER_RULES, warmAgeDays: 0 },
      {},
      'GLACIER_IR',
      'archive-age-reached',
    ],
    ['by the lifecycle preset', LIFECYCLE, {}, 'STANDARD', 'read-again'],
    ['by dollars that know nothing', DOLLARS, {}, 'INTELLIGENT_TIERING', 'reads-unknown'],
    [
      'by dollars that know nothing of a small one',
      DOLLARS,
      { bytes: Bytes.parse(20_000) },
      'STANDARD',
      'reads-unknown',
    ],
    ['by dollars: read every day', DOLLARS, { knownReadsPerDay: 1 }, 'STANDARD', 'reads-known'],
    ['by dollars: hardly ever read again', DOLLARS, { knownReadsPerDay: 0 }, 'GLACIER_IR', 'reads-known'],
    [
      'by dollars: readers can wait for the next one',
      DOLLARS,
      { knownReadsPerDay: 1 / 1_000, restoreToleranceMs: 2 * DAY_MS },
      'INTELLIGENT_TIERING',
      'archived-later',
    ],
    ['while sweeps are off', undefined, {}, 'INTELLIGENT_TIERING', 'sweeps-off'],
  ] as const)('go where new ones would, %s', (_, policy, over, to, reason) => {
    const decided = decideRestoredTier({ ...ARCHIVED, ...over }, 'read', policy, rates, NOW);
    expect(decided).toMatchObject({ to, reason, chosen: `transition ${to}` });
    expect(decided.alternatives.filter((one) => one.reason === reason)).toMatchObject([{ action: decided.chosen }]);
  });

  it('go where it costs least of the classes that may be chosen, by the dollars of the receipt', () => {
    for (const knownReadsPerDay of [0, 0.0005, 0.002, 0.005, 0.01, 0.1, 3]) {
      for (const transitionedAt of [daysAgo(1), daysAgo(89), daysAgo(500)]) {
        const facts = { ...ARCHIVED, knownReadsPerDay, transitionedAt };
        const { alternatives, chosen } = decideRestoredTier(facts, 'read', DOLLARS, rates, NOW);
        const [least] = alternatives.toSorted((one, other) => one.usd - other.usd);
        expect(least?.action).toBe(chosen);
        // Leaving GLACIER early is charged wherever it goes.
        const left = alternatives.map(({ parts }) => parts['left'] ?? -1);
        expect(new Set(left).size).toBe(1);
        expect(left[0] === 0).toBe(transitionedAt === daysAgo(500));
      }
    }
  });

  it.each([
    ['by rules', TIER_RULES, ['GLACIER_IR'], 'INTELLIGENT_TIERING'],
    ['by rules, where that is taken too', TIER_RULES, ['GLACIER_IR', 'INTELLIGENT_TIERING'], 'STANDARD'],
    ['by the lifecycle preset', LIFECYCLE, ['STANDARD'], 'INTELLIGENT_TIERING'],
    ['by dollars', DOLLARS, ['INTELLIGENT_TIERING'], 'STANDARD'],
    ['while sweeps are off', undefined, ['INTELLIGENT_TIERING'], 'STANDARD'],
  ] as const)('go elsewhere while an earlier copy lies where they would, %s', (_, policy, occupied, to) => {
    expect(decideRestoredTier(ARCHIVED, 'read', policy, rates, NOW, occupied)).toMatchObject({ to });
  });

  it('count the read that they were restored for', () => {
    const { alternatives } = decideRestoredTier({ ...ARCHIVED, knownReadsPerDay: 0 }, 'read', DOLLARS, rates, NOW);
    const cold = alternatives.find(({ action }) => action === 'transition GLACIER_IR');
    expect(cold?.parts['fetch']).toBeCloseTo(10 * 0.03, 4);
    expect(cold?.parts['reads']).toBeLessThan(1e-5);
  });

  it('are unpacked where they were packed, and never left where they lie', () => {
    const packing = { packed: true, bytes: Bytes.parse(6 * GIB), parts: 160, terms: PACK_TERMS };
    for (const policy of [TIER_RULES, DOLLARS, LIFECYCLE, undefined]) {
      const { chosen } = decideRestoredTier({ ...ARCHIVED, packing }, 'read', policy, rates, NOW);
      expect(chosen).toMatch(/^unpack /);
    }
  });
});

describe('restored bytes that a move wants', () => {
  it('go where it has decided, whatever decides now', () => {
    const decided = decideRestoredTier(ARCHIVED, { to: 'STANDARD_IA' }, DOLLARS, rates, NOW);
    expect(decided).toMatchObject({ to: 'STANDARD_IA', reason: 'wished' });
    expect(decided.alternatives.map(({ action }) => action)).toContain('keep GLACIER');
  });
});
