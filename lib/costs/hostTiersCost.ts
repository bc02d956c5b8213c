import type { TierRoom } from '../hostMetrics/index.ts';
import type { Rates } from '../placement/index.ts';
import { bookName, gpuPrice, hostTierPrice } from '../pricing/index.ts';
import { HOUR_MS, MONTH_MS, Usd } from '../shared/units.ts';
import { hostCost } from './copyCost.ts';

/** Dollars of a host's tier: of all its room, and of what blobs take of it. The rest is paid for and holds nothing. */
export interface HostTierCost {
  readonly tier: TierRoom['tier'];
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly capacityUsdPerMonth: Usd;
  readonly usedUsdPerMonth: Usd;
  readonly capacityUsdPerHour: Usd;
  /** Whose price it is, `id@asOf`. */
  readonly book: string;
}

/** Bytes × the price that answers for their tier; a month is 730 hours. Throws `PricingError` `unknown-price` where none does. */
export function hostTiersCost(rooms: readonly TierRoom[], rates: Rates): readonly HostTierCost[] {
  return rooms.map(({ tier, capacityBytes, usedBytes }) => {
    const capacityUsdPerMonth = hostCost(tier, capacityBytes, rates).storageUsd;
    return {
      tier,
      capacityBytes,
      usedBytes,
      capacityUsdPerMonth,
      usedUsdPerMonth: hostCost(tier, usedBytes, rates).storageUsd,
      capacityUsdPerHour: Usd.parse((capacityUsdPerMonth * HOUR_MS) / MONTH_MS),
      book: bookName(hostTierPrice(rates.prices, tier).book),
    };
  });
}

export interface GpusCost {
  readonly gpu: string;
  readonly count: number;
  readonly usdPerHour: Usd;
}

/**
 * What the GPUs of a host cost an hour beside its tiers: by the type of its label `gpu`, or where a word of the name that the device tells is
 * a type with a price. Undefined where neither is, or no GPU was seen: an unknown price is never zero.
 */
export function gpusCost(label: string | undefined, names: readonly string[], rates: Rates): GpusCost | undefined {
  const words = (names[0] ?? '').split(/\s+/);
  const priced = (one: string) => rates.prices.books.some((book) => Object.hasOwn(book.gpus, one));
  const gpu = [...(label === undefined ? [] : [label]), ...words].find(priced);
  if (gpu === undefined || names.length === 0) return undefined;
  const usdPerHour = Usd.parse(names.length * gpuPrice(rates.prices, gpu).price.usdPerHour);
  return { gpu, count: names.length, usdPerHour };
}
