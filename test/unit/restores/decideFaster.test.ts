import { describe, expect, it } from 'vitest';
import { compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { decideFaster, type FasterFacts } from '../../../lib/restores/decideFaster.ts';
import { EpochMs, GIB, HOUR_MS, MIB, MINUTE_MS } from '../../../lib/shared/units.ts';

const rates = compileRates(shippedPriceBook());
const NOW = EpochMs.parse(1_800_000_000_000);

/** 100 MiB of GLACIER whose bulk restore ends in ten hours, and a reader who can wait six. */
function decide(
  over: Partial<Omit<FasterFacts, 'waiting' | 'endsAt'>> & { leftMs?: number; withinMs?: number; usdPerHour?: number },
) {
  const { leftMs = 10 * HOUR_MS, withinMs = 6 * HOUR_MS, usdPerHour = 0, ...facts } = over;
  const waiting = { toleranceMs: withinMs, usdPerMs: usdPerHour / HOUR_MS };
  const endsAt = EpochMs.parse(NOW + leftMs);
  return decideFaster(
    { storageClass: 'GLACIER', bytes: 100 * MIB, tier: 'bulk', ...facts, endsAt, waiting },
    rates,
    NOW,
  );
}

describe('a restore under way that a later reader waits for', () => {
  it.each([
    ['is made faster by the cheapest tier in time', {}, 'standard'],
    ['is left alone where it ends in time', { leftMs: 5 * HOUR_MS }, undefined],
    ['is left alone where its reader has time', { withinMs: 12 * HOUR_MS }, undefined],
    ['is expedited for a reader in a hurry', { withinMs: 10 * MINUTE_MS }, 'expedited'],
    ['is expedited where what waits costs more than the fee', { usdPerHour: 1 }, 'expedited'],
    [
      'is left alone where what waits costs less than any fee',
      { withinMs: 12 * HOUR_MS, usdPerHour: 0.0001 },
      undefined,
    ],
    [
      'is made a standard one where the object is too large for an expedited one',
      { bytes: GIB, withinMs: 10 * MINUTE_MS },
      'standard',
    ],
    ['is left to end where no tier would end sooner', { leftMs: 4 * MINUTE_MS, withinMs: MINUTE_MS }, undefined],
    ['is never made slower', { tier: 'expedited', leftMs: 20 * HOUR_MS }, undefined],
    ['is not asked again for a tier that was refused', { withinMs: 10 * MINUTE_MS, refused: 'expedited' }, 'standard'],
    ['is left alone where the slowest faster tier was refused', { refused: 'standard' }, undefined],
    [
      'of Deep Archive gets the tier that ends first where none is in time',
      { storageClass: 'DEEP_ARCHIVE', leftMs: 40 * HOUR_MS },
      'standard',
    ],
    [
      'of Deep Archive is never expedited',
      { storageClass: 'DEEP_ARCHIVE', tier: 'standard', leftMs: 11 * HOUR_MS, withinMs: 0 },
      undefined,
    ],
  ] as const)('%s', (_name, over, tier) => {
    expect(decide(over)?.chosen.tier).toBe(tier);
  });

  it('is priced: the second request, and what the faster tier charges above the slower one, against what waits', () => {
    // $1 an hour for ten hours, five hours, five minutes. 100 MiB are 0.09765625 GB of the book's 2^30 bytes.
    const choice = decide({ usdPerHour: 1, withinMs: 24 * HOUR_MS });
    expect(choice?.waitOn).toMatchObject({ tier: 'bulk', feeUsd: 0, inTime: true });
    expect(choice?.waitOn.waitingUsd).toBeCloseTo(10, 9);
    const [expedited, standard] = ['expedited', 'standard'].map((tier) =>
      choice?.options.find((one) => one.tier === tier),
    );
    expect(standard?.feeUsd).toBeCloseTo(0.05 / 1000 + 0.09765625 * 0.01, 12);
    expect(standard?.waitingUsd).toBeCloseTo(5, 9);
    expect(expedited?.feeUsd).toBeCloseTo(0.01 + 0.09765625 * 0.03, 12);
    expect(expedited?.waitingUsd).toBeCloseTo(5 / 60, 9);
  });

  it('is not made faster twice for the same readers', () => {
    const first = decide({ usdPerHour: 0.001 });
    expect(first?.chosen.tier).toBe('standard');
    expect(decide({ usdPerHour: 0.001, tier: 'standard', leftMs: 5 * HOUR_MS })).toBeUndefined();
  });
});
