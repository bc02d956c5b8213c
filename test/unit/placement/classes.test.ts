import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileRates,
  decideFirst,
  decideRestoredTier,
  decideTier,
  DOLLARS,
  explainTier,
  homeClass,
  LIFECYCLE,
  PACK_TERMS,
  recordFirst,
  recordTier,
  replayFirst,
  replayTier,
  TIER_RULES,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { combinePriceBooks, pricedClasses, shippedPriceBook, storagePrice } from '../../../lib/pricing/index.ts';
import { canonicalJson } from '../../../lib/shared/canonicalJson.ts';
import { StorageClass } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, HOUR_MS } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, tierFacts } from '../../support/tierFacts.ts';

const prices = shippedPriceBook();
const among = (...classes: readonly StorageClass[]) => compileRates(prices, { classes });

const anyClasses = fc
  .subarray(StorageClass.options.filter((one) => one !== 'STANDARD'))
  .map((others) => among('STANDARD', ...others));
const anyFacts: fc.Arbitrary<TierFacts> = fc
  .record({
    bytes: fc.integer({ min: 1, max: 50_000_000_000 }),
    storageClass: fc.constantFrom(...StorageClass.options),
    age: fc.integer({ min: 0, max: 2000 }),
    accesses: fc.integer({ min: 0, max: 100 }),
    tolerance: fc.constantFrom(undefined, 0, 5 * HOUR_MS, 48 * HOUR_MS),
    known: fc.constantFrom(undefined, 0, 0.001, 5),
    packed: fc.constantFrom(undefined, true, false),
  })
  .map(({ accesses, age, bytes, known, packed, storageClass, tolerance }) =>
    tierFacts({
      ageDays: age,
      bytes: Bytes.parse(bytes),
      storageClass,
      accessesLast30Days: accesses,
      ...(known === undefined ? {} : { knownReadsPerDay: known }),
      ...(tolerance === undefined ? {} : { restoreToleranceMs: tolerance }),
      ...(packed === undefined
        ? {}
        : { packing: { packed, bytes: Bytes.parse(Math.ceil(bytes / 2)), parts: 1, terms: PACK_TERMS } }),
    }),
  );

describe('the classes that are chosen among', () => {
  it('are those that the store has and the deciding book prices', () => {
    expect(pricedClasses(prices)).toEqual(StorageClass.options);
    expect(among('STANDARD', 'GLACIER').classes).toEqual(['STANDARD', 'GLACIER']);
    const r2 = prices.books.find(({ id }) => id === 'cloudflare/r2')!;
    const inR2 = compileRates(combinePriceBooks(r2, ...prices.books));
    expect(inR2.classes).toEqual(['STANDARD', 'STANDARD_IA']);
    expect(storagePrice(inR2.prices, 'STANDARD').price.usdPerGbMonth).toBe(0.015);
    expect(storagePrice(inR2.prices, 'STANDARD_IA').price.usdPerGbMonth).toBe(0.01);
    const hostTiers = { ...r2, id: 'own/hosts', storage: {}, classes: {}, tiers: {} };
    expect(compileRates(combinePriceBooks(hostTiers, ...prices.books)).classes).toEqual(StorageClass.options);
    expect(compileRates(combinePriceBooks(hostTiers)).classes).toEqual([]);
  });

  it('are the only ones that any policy moves to, and a receipt replays with them', () => {
    fc.assert(
      fc.property(anyFacts, anyClasses, fc.constantFrom(TIER_RULES, DOLLARS, LIFECYCLE), (facts, rates, policy) => {
        const decision = decideTier(facts, policy, rates, NOW);
        const inPlace = decision.action !== 'keep' && decision.action !== 'transition' && decision.to === decision.from;
        if (decision.action !== 'keep' && !inPlace) expect(rates.classes).toContain(decision.to);
        for (const one of decision.alternatives)
          expect([...rates.classes, facts.storageClass]).toContain(one.storageClass);
        const inputs = canonicalJson(recordTier(facts, NOW, rates));
        expect(replayTier(inputs, policy, compileRates(prices))).toEqual(decision);
      }),
    );
  });

  it('are the only ones that bytes are published in, or written to when they were restored', () => {
    fc.assert(
      fc.property(anyFacts, anyClasses, (facts, rates) => {
        const { bytes, digest, knownReadsPerDay, restoreToleranceMs } = facts;
        const first = {
          digest,
          bytes,
          ...(knownReadsPerDay === undefined ? {} : { knownReadsPerDay }),
          ...(restoreToleranceMs === undefined ? {} : { restoreToleranceMs }),
        };
        const decision = decideFirst(first, DOLLARS, rates, NOW);
        expect(rates.classes).toContain(decision.storageClass);
        const inputs = canonicalJson(recordFirst(first, NOW, rates));
        expect(replayFirst(inputs, DOLLARS, compileRates(prices))).toEqual(decision);
        for (const policy of [TIER_RULES, DOLLARS, undefined]) {
          const { alternatives, to } = decideRestoredTier(facts, 'read', policy, rates, NOW);
          expect(rates.classes).toContain(to);
          for (const { action } of alternatives) {
            if (!action.startsWith('keep')) expect(rates.classes).toContain(action.split(' ')[1]);
          }
        }
      }),
    );
  });
});

describe('a rule whose class is not to be had', () => {
  it.each([
    [['STANDARD'], 'STANDARD'],
    [['STANDARD', 'STANDARD_IA'], 'STANDARD_IA'],
    [['STANDARD', 'STANDARD_IA', 'GLACIER'], 'STANDARD_IA'],
    [['STANDARD', 'GLACIER_IR'], 'GLACIER_IR'],
  ] as const)('takes the next one that is cheaper to read: of %j for the cold ones %s', (classes, to) => {
    const facts = tierFacts({ ageDays: 500 });
    const decision = decideTier(facts, TIER_RULES, among(...classes), NOW);
    const placed = decision.action === 'keep' ? decision.from : decision.to;
    expect(placed).toBe(to);
    expect(decision.missing).toBe(to === 'GLACIER_IR' ? undefined : 'GLACIER_IR');
  });

  it('says so when it explains', () => {
    const facts = tierFacts({ ageDays: 800 });
    const rates = among('STANDARD', 'STANDARD_IA');
    const text = explainTier(decideTier(facts, TIER_RULES, rates, NOW), facts, TIER_RULES, rates, NOW);
    expect(text).toContain('moves from STANDARD to STANDARD_IA');
    expect(text).toContain(
      'The rules name GLACIER, which this store has not or aws/us-east-1@2026-11-20 does not price',
    );
    expect(text).toContain('STANDARD_IA is the next that is cheaper to read.');
    const all = compileRates(prices);
    expect(explainTier(decideTier(facts, TIER_RULES, all, NOW), facts, TIER_RULES, all, NOW)).not.toContain(
      'rules name',
    );
  });

  it('keeps the promise to readers by the lifecycle preset as well', () => {
    const facts = tierFacts({
      ageDays: 500,
      storageClass: 'GLACIER',
      transitionedAt: daysAgo(200),
      restoreToleranceMs: 0,
    });
    const decision = decideTier(facts, LIFECYCLE, among('STANDARD', 'STANDARD_IA'), NOW);
    expect(decision).toMatchObject({
      action: 'transition',
      to: 'STANDARD_IA',
      reason: 'restore-too-slow',
      missing: 'GLACIER',
    });
  });
});

describe('where there is no Intelligent-Tiering', () => {
  it('what nobody knows anything of is at home in STANDARD, and nothing is risked without an allowance', () => {
    const rates = among('STANDARD', 'STANDARD_IA', 'GLACIER_IR');
    expect(homeClass(rates)).toBe('STANDARD');
    expect(homeClass(compileRates(prices))).toBe('INTELLIGENT_TIERING');
    const unread = tierFacts({ ageDays: 900, memory: { reads: 0, exposureMs: 900 * DAY_MS } });
    expect(decideTier(unread, DOLLARS, rates, NOW)).toMatchObject({ action: 'keep', reason: 'allowance-spent' });
    const known = tierFacts({ ageDays: 900, knownReadsPerDay: 0 });
    expect(decideTier(known, DOLLARS, rates, NOW)).toMatchObject({ action: 'transition', to: 'GLACIER_IR' });
  });
});
