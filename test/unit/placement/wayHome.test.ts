import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideTier,
  DOLLARS,
  PACK_TERMS,
  explainTier,
  regretOfStay,
  switchUsd,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { readUsd, storageUsd } from '../../../lib/placement/bill.ts';
import { Bytes, DAY_MS, EpochMs, GIB, Usd } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, rates, tierFacts } from '../../support/tierFacts.ts';

const home = rates.of('INTELLIGENT_TIERING');
const TEN_GIB = Bytes.parse(10 * GIB);
const noon = (day: number): number => day * DAY_MS + DAY_MS / 2;

const inArchive = (over: Partial<TierFacts>): TierFacts =>
  tierFacts({ storageClass: 'GLACIER_IR', bytes: TEN_GIB, transitionedAt: daysAgo(200), ...over });

/** A GiB in GLACIER_IR pays $0.03 a read, and saves $0.019 a month at rest. */
describe('what lies in a class that charges for reads', () => {
  it.each([
    ['goes home after a day of 100 reads', { accessesLast30Days: 100 }, 'INTELLIGENT_TIERING'],
    ['goes home after two reads in a month', { accessesLast30Days: 2 }, 'INTELLIGENT_TIERING'],
    ['stays after one', { accessesLast30Days: 1 }, undefined],
    [
      'stays while it is not said when reads came: before or since',
      { accessesLast30Days: 100, transitionedAt: daysAgo(29) },
      undefined,
    ],
    ['goes home when it has paid the way', { accessesLast30Days: 1, regretUsd: 0.31 }, 'INTELLIGENT_TIERING'],
    ['stays when it has not, however often it was read', { accessesLast30Days: 100, regretUsd: 0.29 }, undefined],
    ['pays what early deletion still charges, too', { regretUsd: 0.31, transitionedAt: daysAgo(45) }, undefined],
    [
      'stays on what is known until it has paid the way twice',
      { knownReadsPerDay: 0.0005, regretUsd: 0.59 },
      undefined,
    ],
    ['goes home from what is known then', { knownReadsPerDay: 0.0005, regretUsd: 0.61 }, 'INTELLIGENT_TIERING'],
    [
      'stays on an allowance until then',
      { regretUsd: 0.59, atRisk: { reservedUsd: Usd.parse(9), lostUsd: Usd.parse(0.6) } },
      undefined,
    ],
    [
      'goes home from an allowance then',
      { regretUsd: 0.61, atRisk: { reservedUsd: Usd.parse(9), lostUsd: Usd.parse(0.6) } },
      'INTELLIGENT_TIERING',
    ],
    ['never moves while it is held', { regretUsd: 9, heldBy: 'pin' as const }, undefined],
  ])('%s', (_name, over, to) => {
    const decision = decideTier(inArchive(over), DOLLARS, rates, NOW);
    expect(decision.action === 'transition' ? decision.to : undefined).toBe(to);
    if (to !== undefined) expect(decision.reason).toBe('fees-exceed-move');
  });

  it('is not left for STANDARD_IA either, and is not packed instead', () => {
    const packing = { packed: false, bytes: Bytes.parse(GIB), parts: 160, terms: PACK_TERMS };
    const given = {
      storageClass: 'STANDARD_IA' as const,
      accessesLast30Days: 40,
      packing,
    };
    const decision = decideTier(inArchive(given), DOLLARS, rates, NOW);
    expect(decision).toMatchObject({ action: 'transition', to: 'INTELLIGENT_TIERING', reason: 'fees-exceed-move' });
  });

  it.each([
    ['what it may still lose', 5, 0],
    ['as much as its account has', 0.1, 0.1],
  ])('reserves, while it is held out on a learned forecast, %s', (_name, slack, most) => {
    const atRisk = { reservedUsd: Usd.parse(0), lostUsd: Usd.parse(0.5) };
    const held = decideTier(
      inArchive({ heldBy: 'pin', regretUsd: 0, slackUsd: Usd.parse(slack), atRisk }),
      DOLLARS,
      rates,
      NOW,
    );
    expect(held).toMatchObject({ action: 'keep', reason: most === 0 ? 'held' : 'held-at-a-loss' });
    if (most === 0) expect(held.riskUsd).toBeGreaterThan(0.5);
    else expect(held.riskUsd).toBe(most);
  });

  it('is told to people in words', () => {
    const given = inArchive({ accessesLast30Days: 100 });
    expect(explainTier(decideTier(given, DOLLARS, rates, NOW), given, DOLLARS, rates, NOW)).toContain(
      'moves from GLACIER_IR to INTELLIGENT_TIERING: it was read so often that its class has cost as much more than the other one as moving costs.',
    );
  });
});

describe('what is read often', () => {
  const known = { storageClass: 'INTELLIGENT_TIERING' as const, knownReadsPerDay: 0.0001, lastAccessAt: daysAgo(1) };

  it('does not go to a class that charges for reads, though nobody is said to read it', () => {
    for (const accessesLast30Days of [4, 3000]) {
      expect(decideTier(inArchive({ ...known, accessesLast30Days }), DOLLARS, rates, NOW).action).toBe('keep');
    }
  });

  it('does not go back for what few reads have said, until a month without', () => {
    const moved = decideTier(inArchive({ ...known, accessesLast30Days: 1 }), DOLLARS, rates, NOW);
    expect(moved.action).toBe('keep');
    const unread = { ...known, lastAccessAt: daysAgo(31), accessesLast30Days: 0 };
    const decision = decideTier(inArchive(unread), DOLLARS, rates, NOW);
    expect(decision).toMatchObject({ action: 'transition', to: 'GLACIER_IR' });
  });

  it('does go there for the first time where a few reads came before it was said', () => {
    const first = { ...known, accessesLast30Days: 3, transitionedAt: daysAgo(400) };
    expect(decideTier(inArchive(first), DOLLARS, rates, NOW)).toMatchObject({ to: 'GLACIER_IR' });
  });
});

describe('what is known wrongly, over many stays', () => {
  const bytes = Bytes.parse(10_000_000_000);
  const DAYS = 730;

  /** What the daily decisions of two years cost, or lying in one class; reads come at noon. */
  function paidUsd(every: number, reads: number, stays?: 'INTELLIGENT_TIERING' | 'GLACIER_IR') {
    let storageClass: TierFacts['storageClass'] = stays ?? 'INTELLIGENT_TIERING';
    let [usd, moves, since, readAt] = [0, 0, -400 * DAY_MS, -400 * DAY_MS];
    let [betweenUsd, lastFeesUsd] = [0, 0];
    const days: { at: number; reads: number }[] = [];
    for (let day = 0; day < DAYS; day += 1) {
      const now = EpochMs.parse((5_000 + day) * DAY_MS);
      const here = rates.of(storageClass);
      const at = (ms: number) => EpochMs.parse(5_000 * DAY_MS + ms);
      const decided = () => {
        const facts = tierFacts({
          bytes,
          storageClass,
          createdAt: at(-400 * DAY_MS),
          transitionedAt: at(since),
          lastAccessAt: at(readAt),
          accessesLast30Days: days.filter((one) => one.at > now - 30 * DAY_MS).length * reads,
          knownReadsPerDay: 0.0005,
          ...(here === home ? {} : { regretUsd: regretOfStay(here, home, bytes, at(since), days, now) }),
        });
        return decideTier(facts, DOLLARS, rates, now);
      };
      const decision = stays === undefined ? decided() : undefined;
      if (decision?.action === 'transition') {
        const ms = day * DAY_MS;
        usd += switchUsd(here, rates.of(decision.to), { bytes, heldMs: ms - since, idleMs: ms - readAt });
        [storageClass, since, moves] = [decision.to, ms, moves + 1];
        if (here !== home) betweenUsd += lastFeesUsd;
      }
      const there = rates.of(storageClass);
      usd += storageUsd(there, bytes, DAY_MS, day * DAY_MS - Math.max(since, readAt));
      if (day % every !== every - 1) continue;
      lastFeesUsd = reads * readUsd(there, bytes);
      usd += lastFeesUsd;
      readAt = day * DAY_MS + DAY_MS / 2;
      days.push({ at: now + DAY_MS / 2, reads });
    }
    return { usd, moves, betweenUsd };
  }

  it('costs at most three times the better of two classes and the fees between two sweeps, and goes at most once a month', () => {
    for (const reads of [1, 3, 5]) {
      for (let every = 1; every <= 120; every += every < 12 ? 1 : every < 45 ? 2 : 14) {
        const { betweenUsd, moves, usd } = paidUsd(every, reads);
        const best = Math.min(
          paidUsd(every, reads, 'INTELLIGENT_TIERING').usd,
          paidUsd(every, reads, 'GLACIER_IR').usd,
        );
        expect(usd).toBeLessThanOrEqual(3 * best + betweenUsd);
        expect(moves).toBeLessThanOrEqual((2 * DAYS) / 30);
      }
    }
  });
});

describe('regret', () => {
  it('counts fees less what resting has saved, and forgets what was saved before', () => {
    const gir = rates.of('GLACIER_IR');
    const feeUsd = readUsd(gir, GIB) - readUsd(home, GIB);
    const days = [
      { at: noon(200), reads: 3 },
      { at: noon(210), reads: 1 },
    ];
    const savedUsd = storageUsd(home, GIB, 10 * DAY_MS) - storageUsd(gir, GIB, 10 * DAY_MS);
    const sinceUsd = storageUsd(home, GIB, DAY_MS / 2) - storageUsd(gir, GIB, DAY_MS / 2);
    expect(regretOfStay(gir, home, GIB, 0, days, 211 * DAY_MS)).toBeCloseTo(4 * feeUsd - savedUsd - sinceUsd, 9);
    expect(regretOfStay(gir, home, GIB, 0, days, 500 * DAY_MS)).toBeLessThan(4 * feeUsd);
    expect(regretOfStay(gir, home, GIB, 0, [], 500 * DAY_MS)).toBe(0);
  });

  it('leaves out the day of its arrival, and what is later', () => {
    const gir = rates.of('GLACIER_IR');
    const days = [{ at: noon(10), reads: 5 }];
    expect(regretOfStay(gir, home, GIB, 10 * DAY_MS + 1, days, 11 * DAY_MS)).toBe(0);
    expect(regretOfStay(gir, home, GIB, 10 * DAY_MS, days, 11 * DAY_MS)).toBeGreaterThan(0);
    expect(regretOfStay(gir, home, GIB, 0, days, 10 * DAY_MS)).toBe(0);
  });
});

describe('going home by regret', () => {
  /** The dollars of `days` in GLACIER_IR and from `leaves` on at home; reads come at noon. */
  function paidUsd(reads: ReadonlyMap<number, number>, days: number, leaves: number): number {
    const gir = rates.of('GLACIER_IR');
    let usd = 0;
    let idleMs = 0;
    for (let day = 0; day < days; day += 1) {
      const here = day < leaves ? gir : home;
      if (day === leaves) {
        usd += switchUsd(gir, home, { bytes: GIB, heldMs: day * DAY_MS, idleMs: 0 });
        idleMs = 0;
      }
      usd += storageUsd(here, GIB, DAY_MS / 2, idleMs);
      idleMs += DAY_MS / 2;
      const count = reads.get(day) ?? 0;
      if (count > 0) idleMs = 0;
      usd += count * readUsd(here, GIB) + storageUsd(here, GIB, DAY_MS / 2, idleMs);
      idleMs += DAY_MS / 2;
    }
    return usd;
  }

  it('pays at most twice what the best moment to go would have cost, or staying, and the fees between two sweeps', () => {
    const gir = rates.of('GLACIER_IR');
    const gaps = fc.array(
      fc.record({
        gap: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 10, max: 90 })),
        reads: fc.integer({ min: 1, max: 4 }),
      }),
      { maxLength: 20 },
    );
    let went = 0;
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 400 }), (given, more) => {
        const reads = new Map<number, number>();
        let day = 0;
        for (const { gap, reads: count } of given) reads.set((day += gap), count);
        const days = day + more;
        const list = [...reads].map(([on, count]) => ({ at: noon(on), reads: count }));
        let leaves = days;
        for (let sweep = 0; sweep < days && leaves === days; sweep += 1) {
          const regretUsd = regretOfStay(gir, home, GIB, 0, list, sweep * DAY_MS);
          const wayUsd = switchUsd(gir, home, { bytes: GIB, heldMs: sweep * DAY_MS, idleMs: 0 });
          if (regretUsd > 0 && regretUsd >= wayUsd) leaves = sweep;
        }
        if (leaves < days) went += 1;
        const until = Math.min(days, leaves + 1);
        const ours = paidUsd(reads, until, leaves);
        const best = Math.min(...Array.from({ length: until + 1 }, (_, at) => paidUsd(reads, until, at)));
        const betweenUsd = (reads.get(leaves - 1) ?? 0) * readUsd(gir, GIB);
        expect(ours).toBeLessThanOrEqual(2 * best + betweenUsd + 1e-9);
      }),
      { numRuns: 500 },
    );
    expect(went).toBeGreaterThan(50);
  });
});
