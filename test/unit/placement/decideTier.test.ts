import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideTier, TIER_RULES, type TierFacts, temperature } from '../../../lib/placement/index.ts';
import { StorageClass } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, HOUR_MS } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, rates, tierFacts } from '../../support/tierFacts.ts';

describe('the rule preset', () => {
  it.each([
    ['new content stays hot', tierFacts({ ageDays: 6.9 }), 'keep', 'already-there', 'new-content'],
    [
      'a model of seven days without a read gets warm',
      tierFacts({ ageDays: 7 }),
      'transition',
      'young-content',
      'young-content',
    ],
    ['one read a day is hot', tierFacts({ accessesLast30Days: 30 }), 'keep', 'already-there', 'read-daily'],
    [
      'less than one read a day is warm',
      tierFacts({ accessesLast30Days: 29 }),
      'transition',
      'read-weekly',
      'read-weekly',
    ],
    [
      'three reads in 30 days are warm at any age',
      tierFacts({ ageDays: 3000, accessesLast30Days: 3 }),
      'transition',
      'read-weekly',
      'read-weekly',
    ],
    [
      'two reads in 30 days are cold after a year',
      tierFacts({ ageDays: 365, accessesLast30Days: 2 }),
      'transition',
      'old-and-rarely-read',
      'old-and-rarely-read',
    ],
    ['one day short of a year is warm', tierFacts({ ageDays: 364 }), 'transition', 'young-content', 'young-content'],
    [
      'two years old and a year idle is archived',
      tierFacts({ ageDays: 730 }),
      'transition',
      'archive-age-reached',
      'archive-age-reached',
    ],
    [
      'two years old but read this year is cold',
      tierFacts({ ageDays: 730, lastAccessAt: daysAgo(364) }),
      'transition',
      'old-and-rarely-read',
      'old-and-rarely-read',
    ],
    [
      'what would be archived is kept cold where no restore keeps the promise',
      tierFacts({ ageDays: 730, restoreToleranceMs: 60_000 }),
      'transition',
      'restore-too-slow',
      'archive-age-reached',
    ],
    [
      'what is archived comes back when such a promise is made',
      tierFacts({ ageDays: 730, restoreToleranceMs: 60_000, storageClass: 'GLACIER' }),
      'transition',
      'restore-too-slow',
      'archive-age-reached',
    ],
    [
      'what is archived before its age comes back, too',
      tierFacts({ ageDays: 400, restoreToleranceMs: 60_000, storageClass: 'GLACIER' }),
      'transition',
      'restore-too-slow',
      'old-and-rarely-read',
    ],
    [
      'what is archived and read daily comes back for its readers',
      tierFacts({ ageDays: 800, restoreToleranceMs: 60_000, storageClass: 'GLACIER', accessesLast30Days: 60 }),
      'transition',
      'read-daily',
      'read-daily',
    ],
    [
      'it is archived where a restore ends in time',
      tierFacts({ ageDays: 730, restoreToleranceMs: 12 * HOUR_MS }),
      'transition',
      'archive-age-reached',
      'archive-age-reached',
    ],
    ['a leased object stays', tierFacts({ heldBy: 'lease' }), 'keep', 'held', 'old-and-rarely-read'],
    [
      'an object below 128 KB stays where it is cheaper',
      tierFacts({ ageDays: 8, bytes: Bytes.parse(50_000) }),
      'keep',
      'below-class-minimum',
      'young-content',
    ],
    [
      'a colder class waits for the minimum duration',
      tierFacts({ storageClass: 'STANDARD_IA', transitionedAt: daysAgo(29) }),
      'keep',
      'minimum-duration',
      'old-and-rarely-read',
    ],
    [
      'a warmer class does not wait for it',
      tierFacts({ storageClass: 'GLACIER_IR', transitionedAt: daysAgo(5), accessesLast30Days: 60 }),
      'transition',
      'read-daily',
      'read-daily',
    ],
  ] as const)('%s', (_name, given, action, reason, temperatureReason) => {
    expect(decideTier(given, TIER_RULES, rates, NOW)).toMatchObject({ action, reason, temperatureReason });
  });

  it('names the class of each temperature', () => {
    const to = (given: TierFacts): string | undefined => {
      const decision = decideTier(given, TIER_RULES, rates, NOW);
      return decision.action === 'transition' ? decision.to : undefined;
    };
    expect(to(tierFacts({ ageDays: 30 }))).toBe('STANDARD_IA');
    expect(to(tierFacts())).toBe('GLACIER_IR');
    expect(to(tierFacts({ ageDays: 800 }))).toBe('GLACIER');
    expect(to(tierFacts({ ageDays: 800, restoreToleranceMs: 0 }))).toBe('GLACIER_IR');
    expect(to(tierFacts({ storageClass: 'GLACIER_IR', accessesLast30Days: 90 }))).toBe('STANDARD');
  });

  it('prices what leaving early still costs, to the day', () => {
    const given = tierFacts({ storageClass: 'GLACIER_IR', transitionedAt: daysAgo(30), accessesLast30Days: 60 });
    const decision = decideTier(given, TIER_RULES, rates, NOW);
    const standard = decision.alternatives.find((one) => one.storageClass === 'STANDARD');
    // 60 of 90 days remain: 6,776,583,201 B / 2^30 × $0.004 × 60 × 24 h / 730 h.
    expect(standard?.earlyDeletionUsd).toBeCloseTo((6_776_583_201 / 2 ** 30) * 0.004 * ((60 * 24) / 730), 10);
    expect(decision.freeMoveAt).toBe(NOW + 60 * DAY_MS);
  });

  it('never moves to the class that the object is in, nor to a colder one before its minimum duration', () => {
    const anyFacts = fc.record({
      bytes: fc.integer({ min: 0, max: 50_000_000_000 }),
      storageClass: fc.constantFrom(...StorageClass.options),
      age: fc.integer({ min: 0, max: 4000 }),
      since: fc.integer({ min: 0, max: 4000 }),
      idle: fc.option(fc.integer({ min: -2, max: 4000 }), { nil: undefined }),
      accesses: fc.integer({ min: 0, max: 500 }),
    });
    fc.assert(
      fc.property(anyFacts, ({ bytes, storageClass, age, since, idle, accesses }) => {
        const given = tierFacts({
          bytes: Bytes.parse(bytes),
          storageClass,
          ageDays: age,
          transitionedAt: daysAgo(Math.min(since, age)),
          ...(idle === undefined ? {} : { lastAccessAt: daysAgo(idle) }),
          accessesLast30Days: accesses,
        });
        const decision = decideTier(given, TIER_RULES, rates, NOW);
        if (decision.action === 'keep') return;
        expect(decision.to).not.toBe(storageClass);
        const colder = rates.of(decision.to).usdPerByteMs < rates.of(storageClass).usdPerByteMs;
        if (colder) expect(decision.freeMoveAt).toBeLessThanOrEqual(NOW);
      }),
    );
  });

  it('takes an object for no colder when the clock goes back', () => {
    const order = ['hot', 'warm', 'cold', 'archive'];
    const times = fc.record({
      age: fc.integer({ min: 0, max: 1500 }),
      idle: fc.integer({ min: 0, max: 1500 }),
      accesses: fc.integer({ min: 0, max: 60 }),
      backHours: fc.integer({ min: 0, max: 48 }),
    });
    fc.assert(
      fc.property(times, ({ age, idle, accesses, backHours }) => {
        const given = tierFacts({
          ageDays: age,
          lastAccessAt: daysAgo(Math.min(age, idle)),
          accessesLast30Days: accesses,
        });
        const coldness = (now: number): number => order.indexOf(temperature(given, TIER_RULES, now).temperature);
        expect(coldness(NOW - backHours * HOUR_MS)).toBeLessThanOrEqual(coldness(NOW));
      }),
    );
  });
});
