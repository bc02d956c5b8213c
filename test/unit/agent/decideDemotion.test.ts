import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chooseDisplaced,
  copyUsd,
  decideDemotion,
  type DemotionFacts,
  lastingOdds,
} from '../../../agent/nvme/decideDemotion.ts';
import { Usd } from '../../../lib/shared/units.ts';

const usd = (amount: number) => Usd.parse(amount);

/** Saves 0.25 × 0.8 = $0.2 for $0.1. */
const PAYS: DemotionFacts = {
  missUsd: usd(1),
  ssdUsd: usd(0.2),
  useOdds: 0.25,
  writeUsd: usd(0.05),
  displacedUsd: 0.05,
  asked: true,
  originKnown: true,
  draining: false,
};

const NO_ROOM_UNKNOWN = { originKnown: false, displacedUsd: undefined };

describe('a blob that leaves NVMe', () => {
  it.each<[string, Partial<DemotionFacts>, string, string]>([
    ['whose copy saves more than it costs', {}, 'demote', 'pays'],
    ['whose use is less to be expected', { useOdds: 0.125 }, 'evict', 'costs-more'],
    ['for which dearer copies have to leave', { displacedUsd: 0.16 }, 'evict', 'costs-more'],
    ['whose writing wears more off', { writeUsd: usd(0.16) }, 'evict', 'costs-more'],
    ['that saves just what it costs', { useOdds: 0.125, displacedUsd: 0.05 }, 'evict', 'costs-more'],
    [
      'that comes from the origin as cheaply',
      { missUsd: usd(0.2), writeUsd: usd(0), displacedUsd: 0 },
      'evict',
      'costs-more',
    ],
    ['that nobody asked for', { asked: false }, 'evict', 'never-asked-for'],
    [
      'of which nobody knows where it came from',
      { originKnown: false, asked: false, useOdds: 0 },
      'demote',
      'no-origin',
    ],
    ['of unknown origin for which something would have to leave', NO_ROOM_UNKNOWN, 'evict', 'no-origin'],
    ['that fits on no SSD volume', { displacedUsd: undefined }, 'evict', 'too-large'],
    ['of a host that drains', { draining: true, originKnown: false }, 'evict', 'draining'],
  ])('%s', (_name, over, action, reason) => {
    expect(decideDemotion({ ...PAYS, ...over })).toEqual({ action, reason });
  });

  it('goes down no less when a miss is dearer or a use likelier, and no more when writing or room is', () => {
    const amount = fc.double({ min: 0, max: 10, noNaN: true });
    const odds = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(amount, amount, odds, amount, amount, amount, (miss, ssd, useOdds, write, displacedUsd, more) => {
        const facts = { ...PAYS, missUsd: usd(miss), ssdUsd: usd(ssd), useOdds, writeUsd: usd(write), displacedUsd };
        const goes = (over: Partial<DemotionFacts>) => decideDemotion({ ...facts, ...over }).action === 'demote';
        if (goes({})) {
          expect(goes({ missUsd: usd(miss + more) })).toBe(true);
          expect(goes({ useOdds: Math.min(1, useOdds + more) })).toBe(true);
          expect(copyUsd(facts)).toBeGreaterThan(write + displacedUsd);
        } else {
          expect(goes({ writeUsd: usd(write + more) })).toBe(false);
          expect(goes({ displacedUsd: displacedUsd + more })).toBe(false);
        }
      }),
    );
  });
});

describe('the odds of a use while a copy lies on SSD', () => {
  it('are those of the longer horizon', () => {
    const distance = 48;
    const horizon = 16;
    const odds = horizon / (horizon + distance);
    expect(lastingOdds(odds, { nvme: 100, ssd: 500 })).toBeCloseTo((6 * horizon) / (6 * horizon + distance), 12);
    expect(lastingOdds(odds, { nvme: 100, ssd: 0 })).toBeCloseTo(odds, 12);
    expect(lastingOdds(odds, { nvme: 0, ssd: 100 })).toBeCloseTo(odds, 12);
    expect([lastingOdds(0, { nvme: 1, ssd: 9 }), lastingOdds(1, { nvme: 1, ssd: 9 })]).toEqual([0, 1]);
  });
});

describe('odds by rounded arithmetic', () => {
  it('never pass one', () => {
    const amount = fc.integer({ min: 1, max: 2 ** 45 });
    const odds = fc.double({ min: 0.99, max: 1, noNaN: true });
    fc.assert(
      fc.property(odds, amount, amount, (one, nvme, ssd) => {
        expect(lastingOdds(one, { nvme, ssd })).toBeLessThanOrEqual(1);
      }),
      { examples: [[1, 933, 362]] },
    );
  });
});

describe('what has to leave SSD', () => {
  const copy = fc.record({ bytes: fc.integer({ min: 0, max: 100 }), usd: fc.double({ min: 0, max: 1, noNaN: true }) });

  it('frees enough, nothing of it is without need, and it is nothing only where all would not do', () => {
    fc.assert(
      fc.property(fc.array(copy, { maxLength: 12 }), fc.integer({ min: -10, max: 400 }), (copies, bytes) => {
        const freed = (some: readonly { readonly bytes: number }[]) => some.reduce((sum, one) => sum + one.bytes, 0);
        const chosen = chooseDisplaced(copies, bytes);
        if (chosen === undefined) {
          expect(freed(copies)).toBeLessThan(bytes);
          return;
        }
        expect(freed(chosen)).toBeGreaterThanOrEqual(Math.max(0, bytes));
        for (const one of chosen) expect(freed(chosen) - one.bytes).toBeLessThan(bytes);
      }),
    );
  });

  it('is what is worth least per byte', () => {
    const [cheap, dear] = [
      { bytes: 100, usd: 0.1 },
      { bytes: 10, usd: 0.05 },
    ];
    expect(chooseDisplaced([dear, cheap], 50)).toEqual([cheap]);
    expect(chooseDisplaced([dear, cheap], 105)).toEqual([cheap, dear]);
    expect(chooseDisplaced([dear, cheap], Number.POSITIVE_INFINITY)).toBeUndefined();
  });
});
