import {
  earlyDeletionUsd,
  knownRate,
  type Rates,
  readUsd,
  storageUsd,
  storageWithReadsUsd,
} from '../placement/index.ts';
import { HostTier, hostTierPrice, PricingError } from '../pricing/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import { EpochMs, HOUR_MS, MONTH_MS, Usd } from '../shared/units.ts';

/** What one stored copy costs in a month of 730 hours, by its parts, and what leaving now would still charge. */
export interface CopyCost {
  readonly storageUsd: Usd;
  readonly requestUsd: Usd;
  readonly retrievalUsd: Usd;
  /** Owed where the copy leaves its class before its minimum duration ends; no part of the month. */
  readonly liabilityUsd: Usd;
  /** When that is over; absent where it is. */
  readonly freeAt?: EpochMs;
}

export interface BucketCopy {
  readonly storageClass: StorageClass;
  readonly bytes: number;
  /** Start of the minimum duration. */
  readonly billedSince: number;
  /** The last read or write: what Intelligent-Tiering counts its idle days from. */
  readonly idleSince: number;
  /** Reads of the bucket in the last 30 days. */
  readonly reads: number;
}

/**
 * A copy in the bucket: storage at the read rate of the last 30 days, and the requests and retrievals that those reads were. Transfer
 * within the region is free. Throws `PricingError` `unknown-price` where the price book lacks the class.
 */
export function bucketCost(copy: BucketCopy, rates: Rates, now: EpochMs): CopyCost {
  const price = rates.of(copy.storageClass);
  const idleMs = Math.max(0, now - copy.idleSince);
  const storage =
    copy.reads === 0
      ? storageUsd(price, copy.bytes, MONTH_MS, idleMs)
      : storageWithReadsUsd(price, copy.bytes, idleMs, knownRate(copy.reads / 30), MONTH_MS);
  const freeAt = copy.billedSince + price.minimumMs;
  const heldMs = Math.max(0, now - copy.billedSince);
  return {
    storageUsd: Usd.parse(storage),
    requestUsd: Usd.parse(copy.reads * price.getUsd),
    retrievalUsd: Usd.parse(copy.reads * (readUsd(price, copy.bytes) - price.getUsd)),
    liabilityUsd: Usd.parse(earlyDeletionUsd(price, copy.bytes, heldMs)),
    ...(freeAt > now ? { freeAt: EpochMs.parse(freeAt) } : {}),
  };
}

/** A copy on a host: the rent of the place that it takes. Throws `PricingError` `unknown-price` for a tier without a price. */
export function hostCost(tier: string, bytes: number, rates: Rates): CopyCost {
  const known = HostTier.safeParse(tier);
  if (!known.success) {
    const message = `No price for host tier ${tier}; the price books know ${HostTier.options.join(', ')}.`;
    throw new PricingError({ code: 'unknown-price', message, retryable: false });
  }
  const { price, book } = hostTierPrice(rates.prices, known.data);
  const none = Usd.parse(0);
  const rent = (bytes / book.gbBytes) * price.usdPerGbHour * (MONTH_MS / HOUR_MS);
  return { storageUsd: Usd.parse(rent), requestUsd: none, retrievalUsd: none, liabilityUsd: none };
}
