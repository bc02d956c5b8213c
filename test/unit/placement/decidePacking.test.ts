import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  caughtBy,
  chosenAlternative,
  DOLLARS,
  decideTier,
  explainTier,
  LIFECYCLE_RULES,
  lifecyclePolicy,
  PACK_TERMS,
  type PackingFacts,
  placesOf,
  recordTier,
  replayTier,
  TIER_RULES,
  type TierFacts,
  TierPlan,
  unpackWaitMs,
} from '../../../lib/placement/index.ts';
import { wouldBeRegretted } from '../../../lib/placement/packTier.ts';
import { wouldComeBack } from '../../../lib/placement/wayHome.ts';
import { canonicalJson } from '../../../lib/shared/canonicalJson.ts';
import { Digest, StorageClass } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, GIB, HOUR_MS, MIB } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, rates, tierFacts } from '../../support/tierFacts.ts';

const packingOf = (bytes: number, ratio: number, over: Partial<PackingFacts> = {}): PackingFacts => ({
  packed: false,
  bytes: Bytes.parse(Math.ceil(bytes * ratio)),
  parts: Math.ceil(bytes / (64 * MIB)),
  terms: PACK_TERMS,
  ...over,
});

/** Idle for 100 days, packs to two thirds, readers can wait. */
function facts(over: Partial<TierFacts> = {}, ratio = 0.67): TierFacts {
  const plain = tierFacts({
    ageDays: 100,
    storageClass: 'STANDARD_IA',
    transitionedAt: daysAgo(90),
    restoreToleranceMs: HOUR_MS,
    ...over,
  });
  return { packing: packingOf(plain.bytes, ratio), ...plain };
}

const packed = (over: Partial<TierFacts> = {}): TierFacts => {
  const plain = facts(over);
  return { ...plain, packing: packingOf(plain.bytes, 0.67, { packed: true }) };
};

const RETIRED = 0.0001;

describe('the rule preset', () => {
  it.each([
    ['packs what is large, gets small, and was not read for a month', facts(), 'pack', 'compressible'],
    ['not at the ratio of the rule', facts({}, 0.7), 'keep', 'hardly-smaller'],
    ['not at the size of the rule', facts({ bytes: Bytes.parse(100_000_000) }), 'keep', 'small'],
    ['above that size', facts({ bytes: Bytes.parse(100_000_001) }), 'pack', 'compressible'],
    ['not what was read within a month', facts({ lastAccessAt: daysAgo(29) }), 'keep', 'not-idle'],
    ['not what is read often', facts({ accessesLast30Days: 3, lastAccessAt: daysAgo(20) }), 'keep', 'read-often'],
    [
      'not what was read within a week',
      facts({ accessesLast30Days: 1, lastAccessAt: daysAgo(6) }),
      'keep',
      'read-often',
    ],
    ['not what is pinned', facts({ heldBy: 'pin' }), 'keep', 'held'],
    ['not what is leased', facts({ heldBy: 'lease' }), 'keep', 'held'],
    ['not what readers wait for too long', facts({ restoreToleranceMs: 60_000 }), 'keep', 'promise'],
    ['also where nothing was promised', facts({ restoreToleranceMs: undefined }), 'pack', 'compressible'],
    [
      'not where reading it back costs more than a year of what that saves',
      facts({ storageClass: 'GLACIER_IR', createdAt: daysAgo(400), transitionedAt: daysAgo(200) }),
      'keep',
      'costs-more',
    ],
    ['not before the minimum duration ends', facts({ transitionedAt: daysAgo(29) }), 'keep', 'minimum-duration'],
    [
      'not what is archived',
      facts({
        storageClass: 'GLACIER',
        createdAt: daysAgo(800),
        transitionedAt: daysAgo(200),
        restoreToleranceMs: undefined,
      }),
      'keep',
      'archived',
    ],
  ] as const)('%s', (_name, given, action, reason) => {
    const decision = decideTier(given, TIER_RULES, rates, NOW);
    expect(decision.action).toBe(action);
    expect(decision).toMatchObject(action === 'pack' ? { reason, to: 'STANDARD_IA' } : { notPacked: reason });
  });

  it('packs in a class that charges for reads what gets so much smaller that it pays within a year, by lifecycle, too', () => {
    const old = { storageClass: 'GLACIER_IR', createdAt: daysAgo(400), transitionedAt: daysAgo(200) } as const;
    expect(decideTier(facts(old, 0.1), TIER_RULES, rates, NOW)).toMatchObject({ action: 'pack', to: 'GLACIER_IR' });
    const read = { ...old, accesses: 30, lastAccessAt: daysAgo(20) };
    const byLifecycle = (ratio: number) =>
      decideTier(facts(read, ratio), lifecyclePolicy(LIFECYCLE_RULES, false), rates, NOW);
    expect(byLifecycle(0.1)).toMatchObject({ action: 'pack', to: 'GLACIER_IR' });
    expect(byLifecycle(0.6)).toMatchObject({ action: 'keep', notPacked: 'costs-more' });
  });

  it('says of what nobody has opened that it is young, not that it was read', () => {
    const why = (over: Partial<TierFacts>) => {
      const given = facts(over);
      return explainTier(decideTier(given, TIER_RULES, rates, NOW), given, TIER_RULES, rates, NOW);
    };
    expect(why({ lastAccessAt: daysAgo(29) })).toContain('not packed: it was read too lately for the rule.');
    expect(why({ createdAt: daysAgo(20) })).toContain(
      'not packed: no host has opened it yet, and it was put there too lately for the rule.',
    );
  });

  it('moves and packs in one step', () => {
    const decision = decideTier(facts({ storageClass: 'STANDARD' }), TIER_RULES, rates, NOW);
    expect(decision).toMatchObject({ action: 'pack', from: 'STANDARD', to: 'STANDARD_IA', risk: 'none' });
    expect(decision).toMatchObject({ belowRatio: 0.7, saving: expect.closeTo(0.33, 4) });
    expect(chosenAlternative(decision)).toMatchObject({ action: 'pack', storageClass: 'STANDARD_IA' });
  });

  it('moves what is packed as it is, and unpacks it only for reads or for a shorter promise', () => {
    const old = { createdAt: daysAgo(400), transitionedAt: daysAgo(90) };
    expect(decideTier(packed(old), TIER_RULES, rates, NOW)).toMatchObject({ action: 'transition', to: 'GLACIER_IR' });
    expect(decideTier(packed(), TIER_RULES, rates, NOW)).toMatchObject({ action: 'keep', reason: 'already-there' });
    const often = packed({ accessesLast30Days: 30 });
    expect(decideTier(often, TIER_RULES, rates, NOW)).toMatchObject({ action: 'unpack', to: 'STANDARD' });
    // Bytes in GLACIER could not be read back.
    const soon = packed({ restoreToleranceMs: 5 * HOUR_MS, storageClass: 'GLACIER', createdAt: daysAgo(1000) });
    expect(decideTier(soon, TIER_RULES, rates, NOW)).toMatchObject({ action: 'unpack', to: 'GLACIER_IR' });
    const promised = packed({ restoreToleranceMs: 30_000 });
    expect(decideTier(promised, TIER_RULES, rates, NOW)).toMatchObject({
      action: 'unpack',
      to: 'STANDARD_IA',
      reason: 'promise',
    });
    const pinned = packed({ restoreToleranceMs: 30_000, heldBy: 'pin' });
    expect(decideTier(pinned, TIER_RULES, rates, NOW).action).toBe('keep');
  });
});

describe('the dollar policy', () => {
  it('packs what is known to be hardly read, where that costs least', () => {
    const decision = decideTier(facts({ knownReadsPerDay: RETIRED }), DOLLARS, rates, NOW);
    expect(decision).toMatchObject({ action: 'pack', to: 'GLACIER_IR', reason: 'cheaper-packed' });
  });

  it.each([
    ['what nobody has told the reads of', {}, 'reads-unknown'],
    ['what is read often', { knownReadsPerDay: 0.1 }, 'read-often'],
    ['what GPUs would wait for', { knownReadsPerDay: 0.05, waitingUsdPerHour: 98.32 }, 'costs-more'],
    ['what is needed as it is', { knownReadsPerDay: RETIRED, heldBy: 'pending-fill' }, 'held'],
    ['what readers wait for too long', { knownReadsPerDay: RETIRED, restoreToleranceMs: 0 }, 'promise'],
    ['what nobody said readers wait for', { knownReadsPerDay: RETIRED, restoreToleranceMs: undefined }, 'promise'],
  ] as const)('does not pack %s', (_name, over, notPacked) => {
    const decision = decideTier(facts(over), DOLLARS, rates, NOW);
    expect(decision).toMatchObject({ notPacked });
    expect(decision.action).not.toBe('pack');
  });

  it('asks for a ratio at which packing still pays', () => {
    const given = facts({ knownReadsPerDay: RETIRED });
    const decision = decideTier(given, DOLLARS, rates, NOW);
    const belowRatio = decision.action === 'pack' ? decision.belowRatio : 0;
    expect(belowRatio).toBeGreaterThan(0.67);
    const at = (ratio: number) =>
      decideTier({ ...given, packing: packingOf(given.bytes, ratio) }, DOLLARS, rates, NOW).action;
    expect(at(belowRatio - 0.001)).toBe('pack');
    expect(at(belowRatio + 0.001)).not.toBe('pack');
  });

  it('takes what is packed home where its reads are not known any more, and its readers do not wait', () => {
    const given = packed({ restoreToleranceMs: undefined });
    expect(decideTier(given, DOLLARS, rates, NOW)).toMatchObject({
      action: 'unpack',
      to: 'INTELLIGENT_TIERING',
      reason: 'promise',
    });
  });
});

const someFacts = fc
  .record({
    bytes: fc.integer({ min: 1, max: 40 * GIB }),
    ratio: fc.double({ min: 0.01, max: 1, noNaN: true }),
    packed: fc.boolean(),
    storageClass: fc.constantFrom(...StorageClass.options),
    age: fc.integer({ min: 0, max: 1500 }),
    held: fc.integer({ min: 0, max: 400 }),
    reads: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 60 })),
    idle: fc.integer({ min: 0, max: 400 }),
    known: fc.constantFrom(undefined, 0, 0.001, 0.01, 0.3),
    tolerance: fc.constantFrom(undefined, 30_000, 300_000, HOUR_MS, 14 * HOUR_MS),
    waiting: fc.constantFrom(undefined, 2, 98.32),
    heldBy: fc.constantFrom(undefined, undefined, undefined, 'lease' as const, 'pin' as const),
  })
  .map((one): TierFacts => {
    const bytes = Bytes.parse(one.bytes);
    return {
      digest: Digest.parse('cd'.repeat(32)),
      bytes,
      storageClass: one.storageClass,
      createdAt: daysAgo(one.age + one.held),
      transitionedAt: daysAgo(one.held),
      accessesLast30Days: one.reads,
      ...(one.idle > one.age ? {} : { lastAccessAt: daysAgo(one.idle) }),
      ...(one.known === undefined ? {} : { knownReadsPerDay: one.known }),
      ...(one.tolerance === undefined ? {} : { restoreToleranceMs: one.tolerance }),
      ...(one.waiting === undefined ? {} : { waitingUsdPerHour: one.waiting }),
      ...(one.heldBy === undefined ? {} : { heldBy: one.heldBy }),
      packing: packingOf(bytes, one.ratio, { packed: one.packed }),
    };
  });

const policies = fc.constantFrom(TIER_RULES, DOLLARS);

describe('packing, of any object and by any policy', () => {
  it('never makes readers wait longer than was promised, nor touches what is held or read often', () => {
    let packs = 0;
    fc.assert(
      fc.property(someFacts, policies, (given, policy) => {
        const decision = decideTier(given, policy, rates, NOW);
        if (decision.action !== 'pack') return;
        packs += 1;
        expect(given.heldBy).toBeUndefined();
        expect(given.packing?.packed).toBe(false);
        const unpromised = policy.kind === 'rules' ? Number.POSITIVE_INFINITY : 0;
        expect(unpackWaitMs(given.bytes, PACK_TERMS)).toBeLessThanOrEqual(given.restoreToleranceMs ?? unpromised);
        expect(Math.max(given.accessesLast30Days / 30, given.knownReadsPerDay ?? 0)).toBeLessThan(0.1);
        expect(caughtBy(given, placesOf(decision, given), rates, NOW)).toBeUndefined();
        expect(rates.of(decision.from).instant).toBe(true);
      }),
      { numRuns: 8000, seed: 3 },
    );
    expect(packs).toBeGreaterThan(100);
  });

  it('is chosen by dollars exactly where no other place costs less, as all of them are priced one by one', () => {
    fc.assert(
      fc.property(someFacts, (given) => {
        const free = { ...given, knownReadsPerDay: given.knownReadsPerDay ?? RETIRED, heldBy: undefined };
        const decision = decideTier(free, DOLLARS, rates, NOW);
        const total = ({ outlook, moveUsd, earlyDeletionUsd }: (typeof decision.alternatives)[number]): number =>
          outlook === undefined
            ? Number.POSITIVE_INFINITY
            : outlook.storageUsd +
              outlook.retrievalUsd +
              outlook.gpuWaitingUsd +
              outlook.earlyDeletionUsd +
              moveUsd +
              earlyDeletionUsd;
        if (decision.reason === 'fees-exceed-move') return;
        const home = rates.of('INTELLIGENT_TIERING');
        const trust = free.transitionedAt - free.createdAt > DAY_MS ? 0 : DOLLARS.trust;
        const comesBack = ({ storageClass }: (typeof decision.alternatives)[number]): boolean =>
          wouldComeBack(rates.of(storageClass), home, free.bytes, free.accessesLast30Days, trust);
        const regretted = ({ storageClass }: (typeof decision.alternatives)[number]): boolean =>
          free.packing !== undefined &&
          wouldBeRegretted(
            { facts: free, readsLately: free.accessesLast30Days, rates },
            free.packing,
            rates.of(storageClass),
          );
        const movesPacked = given.packing?.packed === true;
        const often = Math.max(free.accessesLast30Days / 30, free.knownReadsPerDay) >= 0.1;
        const recent = free.lastAccessAt !== undefined && NOW - free.lastAccessAt < 7 * DAY_MS;
        const allowed = decision.alternatives.filter(
          (one) =>
            (one.action !== 'pack' || !(often || recent || regretted(one))) &&
            !(one.action === 'transition' && movesPacked && regretted(one)) &&
            !(one.action === 'transition' && given.packing?.packed === false && comesBack(one)) &&
            !(one.action === 'transition' && given.packing?.packed === true && !rates.of(given.storageClass).instant),
        );
        const chosen = chosenAlternative(decision);
        const best = Math.min(...allowed.map(total));
        expect(chosen).toBeDefined();
        if (best < Number.POSITIVE_INFINITY) expect(total(chosen!)).toBeCloseTo(best, 9);
      }),
      { numRuns: 3000, seed: 4 },
    );
  });

  it('replays from its receipt, and reads as a plan with what it saves', () => {
    fc.assert(
      fc.property(someFacts, policies, (given, policy) => {
        const decision = decideTier(given, policy, rates, NOW);
        const inputs = canonicalJson(recordTier(given, NOW, rates));
        expect(replayTier(inputs, policy, rates)).toEqual(decision);
        const plan = new TierPlan();
        plan.add(decision, given);
        const { packs, flows } = plan.summary();
        expect(packs.objects).toBe(decision.action === 'pack' ? 1 : 0);
        if (decision.action === 'pack') {
          expect(packs.saving).toBeCloseTo(decision.saving, 9);
          expect(flows[0]).toMatchObject({ to: `${decision.to} packed`, bytesAfter: given.packing?.bytes });
        }
        expect(explainTier(decision, given, policy, rates, NOW)).toContain('unpacks it first');
      }),
      { numRuns: 500, seed: 5 },
    );
  });
});

describe('the dollars of packing', () => {
  it('are, by hand, those of a smaller object and a worker', () => {
    // 6 GiB that pack to 3.75 GiB in the class that they are in, in 96 parts: read, written and read back, in ranges of 8 MiB.
    const bytes = Bytes.parse(6 * GIB);
    const given = facts({ bytes, storageClass: 'GLACIER_IR', transitionedAt: daysAgo(91), knownReadsPerDay: 0 }, 0.625);
    const { alternatives } = decideTier(given, DOLLARS, rates, NOW);
    const one = alternatives.find(({ action, storageClass }) => action === 'pack' && storageClass === 'GLACIER_IR');
    const worker = (bytes / 30e6 + bytes / 55e6) * (1769 / 1024) * 0.0000133334;
    expect(one?.moveUsd).toBeCloseTo(worker + (6 + 3.75) * 0.03 + (768 + 480) * 0.00001 + (96 + 2) * 0.00002, 6);
    expect(one?.outlook?.storageUsd).toBeCloseTo((3.75 * 0.004 * 3 * 365 * 24) / 730, 3);
    expect(one?.earlyDeletionUsd).toBe(0);
  });
});
