import { compileRates, type TierFacts } from '../../lib/placement/index.ts';
import { shippedPriceBook } from '../../lib/pricing/index.ts';
import { Digest } from '../../lib/shared/ids.ts';
import { Bytes, DAY_MS, EpochMs } from '../../lib/shared/units.ts';

export const rates = compileRates(shippedPriceBook());
/** The moment that tests of tier decisions decide for. */
export const NOW = EpochMs.parse(Date.UTC(2026, 10, 20));
export const daysAgo = (days: number): EpochMs => EpochMs.parse(NOW - days * DAY_MS);

/** A checkpoint of 6.8 GB that was never read, since `ageDays` in Standard. */
export function tierFacts({ ageDays = 400, ...over }: Partial<TierFacts> & { ageDays?: number } = {}): TierFacts {
  return {
    digest: Digest.parse('ab'.repeat(32)),
    bytes: Bytes.parse(6_776_583_201),
    storageClass: 'STANDARD',
    createdAt: daysAgo(ageDays),
    transitionedAt: daysAgo(ageDays),
    accessesLast30Days: 0,
    ...over,
  };
}
