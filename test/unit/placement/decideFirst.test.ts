import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decideFirst,
  DOLLARS,
  firstAlternative,
  type FirstFacts,
  recordFirst,
  replayFirst,
} from '../../../lib/placement/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { Bytes, DAY_MS, GB, HOUR_MS } from '../../../lib/shared/units.ts';
import { NOW, rates } from '../../support/tierFacts.ts';

const facts = (over: Partial<FirstFacts> = {}): FirstFacts => ({
  digest: Digest.parse('ab'.repeat(32)),
  bytes: Bytes.parse(6 * GB),
  ...over,
});

describe('the class that bytes are published in', () => {
  it.each<[string, Partial<FirstFacts>, object]>([
    ['tiers itself where nothing is known', {}, { storageClass: 'INTELLIGENT_TIERING', reason: 'reads-unknown' }],
    [
      'is hot where what is unknown is too small to tier itself',
      { bytes: Bytes.parse(100_000) },
      { storageClass: 'STANDARD', reason: 'reads-unknown' },
    ],
    ['is hot for daily reads', { knownReadsPerDay: 5 }, { storageClass: 'STANDARD', reason: 'reads-known' }],
    [
      'tiers itself where the one fetch would be charged more than it saves',
      { knownReadsPerDay: 1 / 200 },
      { storageClass: 'INTELLIGENT_TIERING', reason: 'reads-known' },
    ],
    [
      'charges reads where there are none but that one',
      { knownReadsPerDay: 0 },
      { storageClass: 'GLACIER_IR', reason: 'reads-known' },
    ],
    [
      'is where leaving is free when an archive will do later',
      { knownReadsPerDay: 0, restoreToleranceMs: 2 * DAY_MS },
      { storageClass: 'INTELLIGENT_TIERING', reason: 'archived-later' },
    ],
    [
      'is read at once where readers wait for no archive',
      { knownReadsPerDay: 0, restoreToleranceMs: HOUR_MS },
      { storageClass: 'GLACIER_IR', reason: 'reads-known' },
    ],
    [
      'is hot for what is smaller than colder classes bill',
      { knownReadsPerDay: 1 / 2000, bytes: Bytes.parse(2_000) },
      { storageClass: 'STANDARD', reason: 'reads-known' },
    ],
  ])('%s', (_name, over, expected) => {
    const decision = decideFirst(facts(over), DOLLARS, rates, NOW);
    expect(decision).toMatchObject(expected);
    expect(replayFirst(JSON.stringify(recordFirst(facts(over), NOW, rates)), DOLLARS, rates)).toEqual(decision);
  });

  it('is the cheapest of what was compared, is no archive, and counts one fetch', () => {
    const amount = fc.double({ min: 0, max: 100, noNaN: true });
    const given = fc.record({
      bytes: fc.integer({ min: 1, max: 50 * GB }),
      knownReadsPerDay: fc.option(amount, { nil: undefined }),
      restoreToleranceMs: fc.option(fc.integer({ min: 0, max: 3 * DAY_MS }), { nil: undefined }),
      waitingUsdPerHour: fc.option(amount, { nil: undefined }),
    });
    fc.assert(
      fc.property(given, ({ bytes, ...promised }) => {
        const { alternatives, storageClass } = decideFirst(
          facts({ bytes: Bytes.parse(bytes), ...promised }),
          DOLLARS,
          rates,
          NOW,
        );
        expect(rates.of(storageClass).instant).toBe(true);
        const told = alternatives.map(firstAlternative);
        const chosen = told.find(({ action }) => action === `place ${storageClass}`);
        expect(chosen?.usd).toBe(Math.min(...told.map(({ usd }) => usd)));
        for (const { parts, usd } of told) {
          expect(parts.fetch).toBeGreaterThan(0);
          expect(Object.values(parts).reduce((sum, part) => sum + part, 0)).toBeCloseTo(usd, 9);
        }
      }),
    );
  });

  it('is replayed from no other receipt', () => {
    expect(replayFirst('{"decision":"tier"}', DOLLARS, rates)).toBeUndefined();
  });
});
