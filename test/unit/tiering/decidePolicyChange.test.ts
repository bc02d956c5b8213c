import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyReach, TierPolicyInForce } from '../../../lib/catalog/index.ts';
import { parseLifecycleRules, parseTierRules, POLICY_VERSIONS } from '../../../lib/placement/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import type { TierPolicyName } from '../../../lib/shared/sweepMode.ts';
import type { TierSettings } from '../../../lib/shared/tierSettings.ts';
import { EpochMs, HOUR_MS } from '../../../lib/shared/units.ts';
import type { Deciding } from '../../../lib/tiering/index.ts';
import { addReach, decidePolicyChange as decide, NO_REACH } from '../../../lib/tiering/decidePolicyChange.ts';
import { LOOK_PARTS, TIER_SETTINGS } from '../../../lib/tiering/index.ts';

const [FIRST, SECOND, THIRD] = [1, 2, 3].map((day) => EpochMs.parse(day * 86_400_000)) as [EpochMs, EpochMs, EpochMs];
const RULES: TierPolicyInForce = { inForce: 'rules', settings: TIER_SETTINGS, version: 'rules-2', since: FIRST };
const DIGEST = Digest.parse('a'.repeat(64));

const deciding = (policy: TierPolicyName, over: Partial<TierSettings> = {}) => ({
  policy,
  settings: { ...TIER_SETTINGS, ...over },
});
const DOLLARS = deciding('dollars');
const LATER = { tierRules: parseTierRules('archiveAgeDays=1095') };

/** What the parts of a look have found, by the row that waits for it. */
const lookedFor = new WeakMap<TierPolicyInForce, readonly PolicyReach[]>();

function lookedAt(caught: number, parts = LOOK_PARTS, to = DOLLARS, row = RULES): TierPolicyInForce {
  const one: PolicyReach = { objects: 2, changed: 1, caught, examples: caught === 0 ? [] : [DIGEST] };
  const version = POLICY_VERSIONS[to.policy];
  const waiting = { ...row, change: { to: to.policy, settings: to.settings, version, sweptAt: SECOND } };
  lookedFor.set(
    waiting,
    Array.from({ length: parts }, () => one),
  );
  return waiting;
}

const decidePolicyChange = (
  row: TierPolicyInForce | undefined,
  wanted: Deciding,
  at: EpochMs,
  found = row === undefined ? [] : (lookedFor.get(row) ?? []),
  stoodMs = 0,
) => decide(row, { wanted, sweptAt: at, found, stoodMs, isEmpty: row === undefined });

const accepted = {
  policy: 'dollars' as const,
  settings: TIER_SETTINGS,
  version: 'dollars-3',
  by: 'ada',
  at: SECOND,
};

describe('the policy that sweeps decide by', () => {
  it.each([
    ['first', undefined, DOLLARS, FIRST, 'dollars'],
    ['unchanged', RULES, deciding('rules'), SECOND, 'rules'],
    ['looking', RULES, DOLLARS, SECOND, 'rules'],
    ['withdrawn', lookedAt(1), deciding('rules'), THIRD, 'rules'],
    ['catches-nothing', lookedAt(0), DOLLARS, THIRD, 'dollars'],
    ['refused', lookedAt(1), DOLLARS, THIRD, 'rules'],
    ['looking', lookedAt(0, LOOK_PARTS - 1), DOLLARS, THIRD, 'rules'],
  ] as const)('is %s', (reason, row, wanted, at, inForce) => {
    expect(decidePolicyChange(row, wanted, at)).toMatchObject({ reason, policy: { inForce } });
  });

  it('is looked at by one sweep, however often that begins', () => {
    const { policy } = decidePolicyChange(RULES, DOLLARS, SECOND);
    expect(policy.change).toEqual({ to: 'dollars', settings: TIER_SETTINGS, version: 'dollars-3', sweptAt: SECOND });
    expect(decidePolicyChange(policy, DOLLARS, SECOND)).toEqual({ reason: 'looking', policy });
  });

  it('is looked at for up to three days over sweeps that come meanwhile, and then anew', () => {
    const waiting = lookedAt(0, LOOK_PARTS - 1);
    expect(decidePolicyChange(waiting, DOLLARS, THIRD)).toEqual({ reason: 'looking', policy: waiting });
    const late = EpochMs.parse(SECOND + 3 * 86_400_000);
    expect(decidePolicyChange(waiting, DOLLARS, late).policy.change).toMatchObject({ to: 'dollars', sweptAt: late });
  });

  it('is looked at anew where the look has stood still for 12 hours, or never went on', () => {
    const waiting = lookedAt(0, LOOK_PARTS - 1);
    const found = lookedFor.get(waiting);
    const sweptAtAfter = (ms: number) => decidePolicyChange(waiting, DOLLARS, THIRD, found, ms).policy.change?.sweptAt;
    expect(sweptAtAfter(12 * HOUR_MS - 1)).toBe(SECOND);
    expect(sweptAtAfter(12 * HOUR_MS)).toBe(THIRD);
    const news = { wanted: DOLLARS, found: [], stoodMs: undefined, isEmpty: false };
    expect(decide(waiting, { ...news, sweptAt: EpochMs.parse(SECOND + HOUR_MS) }).policy).toEqual(waiting);
    expect(decide(waiting, { ...news, sweptAt: THIRD }).policy.change?.sweptAt).toBe(THIRD);
  });

  it('is refused with what it would catch, and looked at again meanwhile', () => {
    const { policy } = decidePolicyChange(lookedAt(1), DOLLARS, THIRD);
    expect(policy.refused).toMatchObject({
      to: 'dollars',
      at: THIRD,
      reach: { objects: 128, changed: 64, caught: 64 },
    });
    expect(policy.refused?.reach.examples).toHaveLength(5);
    expect(policy.change).toEqual({ to: 'dollars', settings: TIER_SETTINGS, version: 'dollars-3', sweptAt: THIRD });
  });

  it('changes by the next sweep once an operator has accepted it, and forgets that with the change', () => {
    const { reason, policy } = decidePolicyChange({ ...lookedAt(1), accepted }, DOLLARS, THIRD);
    const dollars = { inForce: 'dollars', settings: TIER_SETTINGS, version: 'dollars-3', since: THIRD };
    expect([reason, policy]).toEqual(['accepted', dollars]);
    expect(decidePolicyChange({ ...RULES, accepted }, deciding('rules'), THIRD)).toEqual({
      reason: 'withdrawn',
      policy: RULES,
    });
  });
});

describe('before the first policy', () => {
  const news = { wanted: DOLLARS, found: [], stoodMs: 0 };
  const BEGUN = decide(undefined, { ...news, sweptAt: FIRST, isEmpty: false }).policy;
  const found = (over: Partial<PolicyReach> = {}): readonly PolicyReach[] =>
    Array.from({ length: LOOK_PARTS }, () => ({ objects: 1, changed: 1, caught: 0, examples: [], ...over }));

  it('nothing is in force until every object was looked at', () => {
    expect(BEGUN).toEqual({
      since: FIRST,
      change: { to: 'dollars', settings: TIER_SETTINGS, version: 'dollars-3', sweptAt: FIRST },
    });
    expect(decide(BEGUN, { ...news, sweptAt: SECOND, isEmpty: false })).toEqual({ reason: 'looking', policy: BEGUN });
    expect(decide(BEGUN, { ...news, sweptAt: SECOND, found: found(), isEmpty: false })).toMatchObject({
      reason: 'catches-nothing',
      policy: { inForce: 'dollars', version: 'dollars-3', since: SECOND },
    });
  });

  it('it is refused where it would catch what is in use, and nothing decides until it is accepted', () => {
    const { reason, policy } = decide(BEGUN, { ...news, sweptAt: SECOND, found: found({ caught: 1 }), isEmpty: false });
    expect([reason, policy.inForce]).toEqual(['refused', undefined]);
    const next = decide({ ...policy, accepted }, { ...news, sweptAt: THIRD, isEmpty: false });
    expect(next).toMatchObject({ reason: 'accepted', policy: { inForce: 'dollars' } });
  });

  it('it is looked at anew when another one is wanted', () => {
    const wanted = deciding('lifecycle');
    expect(decide(BEGUN, { ...news, wanted, sweptAt: SECOND, found: found(), isEmpty: false })).toMatchObject({
      reason: 'looking',
      policy: { since: FIRST, change: { to: 'lifecycle', sweptAt: SECOND } },
    });
  });

  it('it is in force at once where there is nothing to look at, also if a look had begun', () => {
    expect(decide(undefined, { ...news, sweptAt: FIRST, isEmpty: true }).reason).toBe('first');
    expect(decide(BEGUN, { ...news, sweptAt: SECOND, isEmpty: true }).policy).not.toHaveProperty('change');
  });
});

describe('a policy in another version', () => {
  const OLD: TierPolicyInForce = { ...RULES, inForce: 'dollars', version: 'dollars-0' };

  it('is looked at as another policy is', () => {
    const begun = decidePolicyChange(OLD, DOLLARS, SECOND);
    expect(begun).toMatchObject({
      reason: 'looking',
      policy: { inForce: 'dollars', version: 'dollars-0', change: { to: 'dollars', version: 'dollars-3' } },
    });
    expect(decidePolicyChange(lookedAt(1, LOOK_PARTS, DOLLARS, OLD), DOLLARS, THIRD)).toMatchObject({
      reason: 'refused',
      policy: { version: 'dollars-0' },
    });
    expect(decidePolicyChange(lookedAt(0, LOOK_PARTS, DOLLARS, OLD), DOLLARS, THIRD)).toMatchObject({
      reason: 'catches-nothing',
      policy: { inForce: 'dollars', version: 'dollars-3' },
    });
  });

  it('is looked at anew when a release comes meanwhile, and accepted in its own version only', () => {
    const waiting = lookedAt(0, LOOK_PARTS, DOLLARS, OLD);
    const found = lookedFor.get(waiting);
    const before = { ...waiting, change: { ...waiting.change!, version: 'dollars-half' } };
    expect(decidePolicyChange(before, DOLLARS, THIRD, found).reason).toBe('looking');
    const other = { ...waiting, accepted: { ...accepted, version: 'dollars-half' } };
    expect(decidePolicyChange(other, DOLLARS, THIRD, []).reason).toBe('looking');
    expect(decidePolicyChange({ ...waiting, accepted }, DOLLARS, THIRD, []).reason).toBe('accepted');
  });

  it('is another one than that of older releases, which noted none', () => {
    const { version: _, ...rules } = RULES;
    expect(decidePolicyChange(rules, deciding('rules'), SECOND)).toMatchObject({
      reason: 'looking',
      policy: { change: { to: 'rules', version: 'rules-2' } },
    });
    const dollars = { ...rules, inForce: 'dollars' as const };
    expect(decidePolicyChange(dollars, DOLLARS, SECOND)).toMatchObject({
      reason: 'looking',
      policy: { change: { to: 'dollars', version: 'dollars-3' } },
    });
  });
});

describe('rows that a look could not read', () => {
  it('refuse the change, also where nothing is caught, with their names', () => {
    const waiting = lookedAt(0);
    const [first, ...rest] = lookedFor.get(waiting)!;
    const found = [{ ...first!, unknown: 1, unreadable: ['BLOB#1 META'] }, ...rest];
    expect(decidePolicyChange(waiting, DOLLARS, THIRD, found)).toMatchObject({
      reason: 'refused',
      policy: { inForce: 'rules', refused: { reach: { caught: 0, unknown: 1, unreadable: ['BLOB#1 META'] } } },
    });
  });

  it('are added up, a few of them named', () => {
    const many = { ...NO_REACH, unknown: 4, unreadable: ['a', 'b', 'c', 'd'] };
    expect(addReach(many, many)).toMatchObject({ unknown: 8, unreadable: ['a', 'b', 'c', 'd', 'a'] });
    expect(addReach(NO_REACH, NO_REACH)).toEqual(NO_REACH);
  });
});

describe('a change of settings alone', () => {
  const PACKS: TierPolicyInForce = { ...RULES, settings: { ...TIER_SETTINGS, tierPacking: 'on' } };
  const LIFECYCLE: TierPolicyInForce = { ...RULES, inForce: 'lifecycle', version: 'lifecycle-rules-2' };
  const DELETES: TierPolicyInForce = { ...LIFECYCLE, settings: { ...TIER_SETTINGS, lifecycleDeletes: 'on' } };
  const SOONER = { lifecycleRules: parseLifecycleRules('coldAfterIdleDays=1') };

  it.each([
    ['thresholds of the rules', RULES, deciding('rules', LATER)],
    ['thresholds of the lifecycle preset', LIFECYCLE, deciding('lifecycle', SOONER)],
    ['deletes', LIFECYCLE, deciding('lifecycle', { lifecycleDeletes: 'on' })],
    ['packing', RULES, deciding('rules', { tierPacking: 'on' })],
    ['what is packed', PACKS, deciding('rules', { tierPacking: 'on', packAboveBytes: 1 })],
  ])('of %s is looked at first, and refused where it catches objects in use', (_what, row, wanted) => {
    const begun = decidePolicyChange(row, wanted, SECOND);
    expect(begun).toMatchObject({ reason: 'looking', policy: { inForce: row.inForce, settings: row.settings } });
    expect(decidePolicyChange(lookedAt(1, LOOK_PARTS, wanted, row), wanted, THIRD)).toMatchObject({
      reason: 'refused',
      policy: { settings: row.settings },
    });
    expect(decidePolicyChange(lookedAt(0, LOOK_PARTS, wanted, row), wanted, THIRD)).toMatchObject({
      reason: 'catches-nothing',
      policy: { settings: wanted.settings, since: THIRD },
    });
  });

  it.each([
    ['deletes', DELETES, deciding('lifecycle')],
    ['packing', PACKS, deciding('rules', { tierPacking: 'off' })],
  ])('that switches %s off is in force at once', (_what, row, wanted) => {
    const policy = { ...row, settings: wanted.settings, since: SECOND };
    expect(decidePolicyChange(row, wanted, SECOND)).toEqual({ reason: 'switched-off', policy });
  });

  it('is off at once even where another change waits or is refused', () => {
    const wanted = deciding('lifecycle', SOONER);
    const { reason, policy } = decidePolicyChange(lookedAt(1, LOOK_PARTS, wanted, DELETES), wanted, THIRD);
    // What was looked at stood beside deletes: it is looked at again.
    expect(reason).toBe('looking');
    expect(policy).toMatchObject({
      since: THIRD,
      settings: { lifecycleDeletes: 'dry-run', lifecycleRules: TIER_SETTINGS.lifecycleRules },
    });
  });

  it('of a policy that does not decide is noted and no more', () => {
    const wanted = deciding('rules', SOONER);
    const { reason, policy } = decidePolicyChange(RULES, wanted, SECOND);
    expect([reason, policy]).toEqual(['noted', { ...RULES, settings: wanted.settings }]);
  });

  it('counts from the first sweep of a release that notes settings', () => {
    const { settings: _, ...old } = RULES;
    const { reason, policy } = decidePolicyChange(old, deciding('rules', LATER), SECOND);
    expect([reason, policy]).toEqual(['noted', { ...RULES, settings: { ...TIER_SETTINGS, ...LATER } }]);
    const waiting = lookedAt(0);
    const { settings: __, ...change } = waiting.change!;
    expect(decidePolicyChange({ ...old, change }, DOLLARS, THIRD, lookedFor.get(waiting))).toMatchObject({
      reason: 'catches-nothing',
    });
  });

  it('is looked at where it brings a price book, which an older release had none of', () => {
    const { settings: _, ...old } = RULES;
    const wanted = deciding('rules', { priceBook: 'own/minio@2026-11-21' });
    const begun = decidePolicyChange(old, wanted, SECOND);
    expect(begun).toMatchObject({
      reason: 'looking',
      policy: { inForce: 'rules', change: { settings: wanted.settings } },
    });
    expect(begun.policy.settings).toEqual(TIER_SETTINGS);
  });

  it('that comes with a release which decides by other rules is looked at together with them', () => {
    const upgraded = { ...TIER_SETTINGS.tierRules, version: 'rules-3', hotPerDay: 9 };
    const wanted = deciding('rules', { tierRules: upgraded, tierPacking: 'on' });
    const begun = decidePolicyChange(RULES, wanted, SECOND);
    // Until then the thresholds that were noted decide, and nothing is packed.
    expect(begun).toMatchObject({ reason: 'looking', policy: { inForce: 'rules', settings: TIER_SETTINGS } });
    expect(begun.policy.change).toEqual({
      to: 'rules',
      settings: wanted.settings,
      version: 'rules-2',
      sweptAt: SECOND,
    });
    const seen = lookedAt(0, LOOK_PARTS, wanted);
    expect(decidePolicyChange(seen, wanted, THIRD)).toMatchObject({
      reason: 'catches-nothing',
      policy: { settings: { tierRules: { version: 'rules-3' }, tierPacking: 'on' } },
    });
    // What was seen of the upgrade alone says nothing of both.
    const alone = lookedAt(0, LOOK_PARTS, deciding('rules', { tierRules: upgraded }));
    expect(decidePolicyChange(alone, wanted, THIRD).reason).toBe('looking');
  });

  it('is looked at anew when it becomes another one', () => {
    const wanted = deciding('rules', LATER);
    const other = deciding('rules', { tierRules: parseTierRules('archiveAgeDays=800') });
    expect(decidePolicyChange(lookedAt(0, LOOK_PARTS, wanted), other, THIRD).reason).toBe('looking');
    const accepted = { ...wanted, by: 'ada', at: SECOND };
    expect(decidePolicyChange({ ...lookedAt(1, LOOK_PARTS, wanted), accepted }, other, THIRD).reason).toBe('looking');
  });

  const settings = fc.record({
    tierRules: fc.constantFrom(TIER_SETTINGS.tierRules, LATER.tierRules),
    lifecycleRules: fc.constantFrom(TIER_SETTINGS.lifecycleRules, SOONER.lifecycleRules),
    lifecycleDeletes: fc.constantFrom('on' as const, 'dry-run' as const),
    tierPacking: fc.constantFrom('on' as const, 'dry-run' as const, 'off' as const),
    packAboveBytes: fc.constantFrom(1, 100),
    packBelowRatio: fc.constantFrom(0.5, 0.7),
  });
  const any = fc.record({
    policy: fc.constantFrom('rules' as const, 'dollars' as const, 'lifecycle' as const),
    settings,
  });

  it('never leaves on what is switched off, and switches nothing on that was not looked at or accepted', () => {
    fc.assert(
      fc.property(any, any, (present, wanted) => {
        const row = { inForce: present.policy, settings: present.settings, since: FIRST };
        const { policy } = decidePolicyChange(row, wanted, SECOND);
        const now = policy.settings!;
        if (wanted.settings.tierPacking !== 'on') expect(now.tierPacking).not.toBe('on');
        if (wanted.settings.lifecycleDeletes !== 'on') expect(now.lifecycleDeletes).not.toBe('on');
        if (present.settings.tierPacking !== 'on') expect(now.tierPacking).not.toBe('on');
        const deletes = policy.inForce === 'lifecycle' && now.lifecycleDeletes === 'on';
        if (deletes) expect(present).toMatchObject({ policy: 'lifecycle', settings: { lifecycleDeletes: 'on' } });
      }),
    );
  });
});
