import { describe, expect, it } from 'vitest';
import { chooseRestore, compileRates } from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { GIB, HOUR_MS, MIB, MINUTE_MS } from '../../../lib/shared/units.ts';

const rates = compileRates(shippedPriceBook());
const glacier = rates.of('GLACIER');
const deep = rates.of('DEEP_ARCHIVE');

describe('a restore', () => {
  it.each([
    ['is the free one where nobody waits', glacier, GIB, 48 * HOUR_MS, 0, 'bulk'],
    ['is the quick one where a GPU waits and the object is small', glacier, 100 * MIB, 48 * HOUR_MS, 6.88, 'expedited'],
    ['is never expedited above 250 MiB', glacier, GIB, 48 * HOUR_MS, 6.88, 'standard'],
    ['meets its deadline', glacier, GIB, 6 * HOUR_MS, 0, 'standard'],
    ['of a small object meets a short one', glacier, 100 * MIB, 10 * MINUTE_MS, 0, 'expedited'],
    ['of a large object cannot, and the class is refused', glacier, GIB, 10 * MINUTE_MS, 0, undefined],
    ['from the deep archive takes twelve hours', deep, GIB, 12 * HOUR_MS, 0, 'standard'],
    ['from the deep archive is refused where eleven are promised', deep, GIB, 11 * HOUR_MS, 0, undefined],
    ['from the deep archive may take two days', deep, GIB, 48 * HOUR_MS, 0, 'bulk'],
  ] as const)('%s', (_name, from, bytes, toleranceMs, gpuUsdPerHour, tier) => {
    const chosen = chooseRestore(from, bytes, { toleranceMs, usdPerMs: gpuUsdPerHour / HOUR_MS });
    expect(chosen?.tier).toBe(tier);
  });
});
