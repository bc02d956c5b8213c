import { describe, expect, it } from 'vitest';
import {
  decideRestoredTier,
  decideTier,
  DOLLARS,
  PACK_TERMS,
  switchUsd,
  type TierFacts,
} from '../../../lib/placement/index.ts';
import { earlyDeletionUsd, readUsd, storageUsd } from '../../../lib/placement/bill.ts';
import { packMoveUsd, unpackMoveUsd } from '../../../lib/placement/packing.ts';
import type { ClassRates } from '../../../lib/placement/rates.ts';
import { Bytes, DAY_MS, EpochMs, HOUR_MS, MIB } from '../../../lib/shared/units.ts';
import { daysAgo, NOW, rates, tierFacts } from '../../support/tierFacts.ts';

const bytes = Bytes.parse(10_000_000_000);
const DAYS = 730;
const FIRST = 5_000 * DAY_MS;

interface Wrong {
  /** Read on each such day, at noon. */
  readonly every: number;
  readonly ratio: number;
  readonly knownReadsPerDay: number;
}

const packingOf = (ratio: number, packed: boolean): NonNullable<TierFacts['packing']> => ({
  packed,
  bytes: Bytes.parse(Math.ceil(bytes * ratio)),
  parts: Math.ceil(bytes / (64 * MIB)),
  terms: PACK_TERMS,
});

/** What the daily decisions of two years cost of an object that is read more often than was said, with an unpacking for each of its reads that finds it packed. */
function twoYears({ every, ratio, knownReadsPerDay }: Wrong) {
  let [storageClass, packed]: [TierFacts['storageClass'], boolean] = ['INTELLIGENT_TIERING', false];
  let [usd, since, readAt] = [0, -400 * DAY_MS, -400 * DAY_MS];
  const reads: number[] = [];
  const stored = (): number => (packed ? packingOf(ratio, true).bytes : bytes);
  const left = (from: ClassRates, ms: number): number => earlyDeletionUsd(from, stored(), ms - since);
  for (let day = 0; day < DAYS; day += 1) {
    const ms = day * DAY_MS;
    const from = rates.of(storageClass);
    const facts = tierFacts({
      bytes,
      storageClass,
      createdAt: EpochMs.parse(FIRST - 400 * DAY_MS),
      transitionedAt: EpochMs.parse(FIRST + since),
      lastAccessAt: EpochMs.parse(FIRST + readAt),
      accessesLast30Days: reads.filter((at) => at > ms - 30 * DAY_MS).length,
      knownReadsPerDay,
      restoreToleranceMs: HOUR_MS,
      packing: packingOf(ratio, packed),
    });
    const now = EpochMs.parse(FIRST + ms);
    const decision = decideTier(facts, DOLLARS, rates, now);
    if (decision.action !== 'keep') {
      const to = rates.of(decision.to);
      if (decision.action === 'transition')
        usd += switchUsd(from, to, { bytes: stored(), heldMs: ms - since, idleMs: ms - readAt });
      else {
        const move = decision.action === 'pack' ? packMoveUsd : unpackMoveUsd;
        usd += move(from, to, bytes, packingOf(ratio, packed), rates) + left(from, ms);
        packed = decision.action === 'pack';
      }
      [storageClass, since] = [decision.to, ms];
    }
    usd += storageUsd(rates.of(storageClass), stored(), DAY_MS, ms - Math.max(since, readAt));
    if (day % every !== every - 1) continue;
    if (packed) {
      const packing = packingOf(ratio, true);
      const { to } = decideRestoredTier({ ...facts, storageClass, packing }, 'read', DOLLARS, rates, now);
      usd +=
        unpackMoveUsd(rates.of(storageClass), rates.of(to), bytes, packing, rates) + left(rates.of(storageClass), ms);
      [storageClass, since, packed] = [to, ms, false];
    }
    usd += readUsd(rates.of(storageClass), bytes);
    readAt = ms + DAY_MS / 2;
    reads.push(readAt);
  }
  return usd;
}

/** Of lying in Intelligent-Tiering all the while. */
function plainUsd(every: number): number {
  let [usd, readAt] = [0, -400 * DAY_MS];
  for (let day = 0; day < DAYS; day += 1) {
    usd += storageUsd(rates.of('INTELLIGENT_TIERING'), bytes, DAY_MS, day * DAY_MS - readAt);
    if (day % every !== every - 1) continue;
    usd += readUsd(rates.of('INTELLIGENT_TIERING'), bytes);
    readAt = day * DAY_MS + DAY_MS / 2;
  }
  return usd;
}

/** Around where a read leaves the count of the last month or comes back just after a move the most is lost; elsewhere little changes from beat to beat. */
const BEATS = [
  ...Array.from({ length: 17 }, (_, at) => at + 1),
  20,
  22,
  23,
  24,
  27,
  30,
  31,
  32,
  33,
  36,
  40,
  45,
  52,
  60,
];

describe('who is told wrongly that an object is hardly read', () => {
  // Of less than one read in four years a first read in a month is improbable; of a little more only a second one.
  it.each([
    [0.3, 0.000_01, 3],
    [0.3, 0.000_7, 3],
    [0.67, 0.000_01, 3],
    [0.67, 0.000_5, 3],
    [0.67, 0.000_7, 3.51],
    [0.67, 0.001_4, 3],
    [0.67, 0.005_5, 3],
    [0.72, 0.000_5, 3],
    [0.72, 0.000_7, 3.51],
  ])(
    'pays at most so many times what Intelligent-Tiering costs, at whatever beat: %d of its bytes, %d a day, %d',
    (...told) => {
      const [ratio, knownReadsPerDay, times] = told;
      for (const every of BEATS) {
        const usd = twoYears({ every, ratio, knownReadsPerDay });
        expect(usd / plainUsd(every), `every ${every} days`).toBeLessThanOrEqual(times);
      }
    },
  );
});

describe('packing by a known rate', () => {
  const facts = (over: Partial<TierFacts>): TierFacts =>
    tierFacts({
      bytes,
      storageClass: 'INTELLIGENT_TIERING',
      ageDays: 400,
      transitionedAt: daysAgo(390),
      knownReadsPerDay: 0.000_01,
      restoreToleranceMs: HOUR_MS,
      packing: packingOf(0.67, false),
      ...over,
    });
  const read = { accessesLast30Days: 1, lastAccessAt: daysAgo(20) };

  it('goes where the reads of the last month would have cost less than it saves in one, or waits', () => {
    expect(decideTier(facts({}), DOLLARS, rates, NOW)).toMatchObject({ action: 'pack', to: 'GLACIER_IR' });
    // In Intelligent-Tiering a read costs cents of a worker's time; in GLACIER_IR it pays retrieval.
    expect(decideTier(facts(read), DOLLARS, rates, NOW)).toMatchObject({ action: 'pack', to: 'INTELLIGENT_TIERING' });
    const hardlySmaller = facts({ ...read, accessesLast30Days: 2, packing: packingOf(0.9, false) });
    expect(decideTier(hardlySmaller, DOLLARS, rates, NOW)).toMatchObject({
      action: 'keep',
      notPacked: 'read-unexpectedly',
    });
    // Nothing of it is saved, whatever is read.
    const noSmaller = facts({ ...read, accessesLast30Days: 2, packing: packingOf(1, false) });
    expect(decideTier(noSmaller, DOLLARS, rates, NOW)).toMatchObject({ notPacked: 'costs-more' });
  });

  it('does not follow a packed object to where they would have cost more', () => {
    const packed = { packing: packingOf(0.67, true), transitionedAt: daysAgo(1) };
    expect(decideTier(facts(packed), DOLLARS, rates, NOW)).toMatchObject({ action: 'transition', to: 'GLACIER_IR' });
    expect(decideTier(facts({ ...packed, ...read }), DOLLARS, rates, NOW).action).toBe('keep');
  });

  it('goes by reads of the bucket, not by opens that hosts answer', () => {
    const opened = { accessesLast30Days: 2, lastAccessAt: daysAgo(20), bucketReads: { last30Days: 0 } };
    expect(decideTier(facts(opened), DOLLARS, rates, NOW).action).toBe('pack');
  });
});
