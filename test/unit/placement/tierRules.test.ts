import { describe, expect, it } from 'vitest';
import {
  compileRates,
  decideTier,
  describePolicy,
  explainTier,
  parseTierRules,
  TIER_RULES,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs } from '../../../lib/shared/units.ts';

const NOW = EpochMs.parse(Date.UTC(2026, 0, 1));
const at = EpochMs.parse(NOW - 400 * DAY_MS);
const FACTS: TierFacts = {
  digest: Digest.parse('a'.repeat(64)),
  bytes: Bytes.parse(1_000_000_000),
  storageClass: 'STANDARD',
  createdAt: at,
  transitionedAt: at,
  accessesLast30Days: 0,
};
const rates = compileRates(shippedPriceBook());

describe('other thresholds of the rule preset', () => {
  it('are named by the version of the rules, in one order, where they differ', () => {
    const rules = parseTierRules('warmPerDay=0.2,archiveAgeDays=1095,hotPerDay=1');
    expect(rules).toMatchObject({ warmPerDay: 0.2, archiveAgeDays: 1095, newContentDays: 7 });
    expect(rules.version).toBe('rules-2(archiveAgeDays=1095,warmPerDay=0.2)');
    expect(parseTierRules('')).toEqual(TIER_RULES);
    expect(parseTierRules('hotPerDay=1')).toEqual(TIER_RULES);
  });

  it.each([
    ['coldness=1', /is no threshold/],
    ['archiveAgeDays', /is no threshold/],
    ['archiveAgeDays=', /is no threshold/],
    ['archiveAgeDays=-1', /is no threshold/],
    ['archiveAgeDays=0x10', /is no threshold/],
    ['archiveAgeDays=36501', /is no threshold/],
    ['warmAgeDays=100,', /is no threshold/],
    ['warmAgeDays=100,warmAgeDays=100', /each at most once/],
    ['hotPerDay=0.05', /hotPerDay \(0.05\) must be at least warmPerDay \(0.1\)/],
    ['archiveAgeDays=300', /must not fall; they are 7, 365, 300/],
    ['newContentDays=400', /must not fall/],
    ['version=2', /is no threshold/],
  ])('are refused where they make no sense: %s', (text, why) => {
    expect(() => parseTierRules(text)).toThrow(why);
  });

  it('decide, and are told with the decision', () => {
    const later = parseTierRules('warmAgeDays=500');
    const usual = decideTier(FACTS, TIER_RULES, rates, NOW);
    const changed = decideTier(FACTS, later, rates, NOW);
    expect([usual.action === 'keep' ? '' : usual.to, usual.reason]).toEqual(['GLACIER_IR', 'old-and-rarely-read']);
    expect([changed.action === 'keep' ? '' : changed.to, changed.reason]).toEqual(['STANDARD_IA', 'young-content']);
    const text = explainTier(changed, FACTS, later, rates, NOW);
    expect(text).toContain('it is younger than 500 days.');
    expect(text).toContain('Decided by rules-2(warmAgeDays=500)');
    expect(describePolicy(later)).toContain('at least 0.1 a day, or younger than 500 days: STANDARD_IA');
  });
});
