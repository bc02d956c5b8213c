import { HOUR_MS, MONTH_MS } from '../shared/units.ts';
import { hostTierPrice, storagePrice } from './lookup.ts';
import type { PriceBook, PriceBookFile, Tier } from './priceBook.ts';

export interface TierPrice {
  readonly book: string;
  readonly usd: number;
  readonly per: 'GB-hour' | 'GB-month';
  /** The same, of a month of 730 hours. */
  readonly usdPerGbMonth: number;
}

/** One tier with what its own book charges for it, and what decisions are charged, where another book answers before. */
export interface TierLine extends Pick<Tier, 'accessMs' | 'archiveIn' | 'capacity' | 'lacks' | 'mechanism' | 'source'> {
  readonly tier: string;
  readonly price: TierPrice;
  readonly inForce: TierPrice;
}

/**
 * The tiers of all books, the fastest first; of several with one name that of the book that answers first. Throws `PricingError` where no book has the class that
 * one archives in.
 */
export function listTiers(prices: PriceBook): TierLine[] {
  const listed = new Set<string>();
  const lines = prices.books.flatMap((book) => {
    const tiers = Object.entries(book.tiers ?? {}).filter(([name]) => !listed.has(name));
    return tiers.map(([name, { price, ...tier }]) => {
      listed.add(name);
      if (tier.archiveIn !== undefined) storagePrice(prices, tier.archiveIn);
      return {
        tier: name,
        ...tier,
        price: priceOf({ ...prices, books: [book] }, price),
        inForce: priceOf(prices, price),
      };
    });
  });
  return lines.sort((one, other) => one.accessMs - other.accessMs);
}

function priceOf(prices: PriceBook, price: Tier['price']): TierPrice {
  if ('hostTier' in price) {
    const found = hostTierPrice(prices, price.hostTier);
    const usd = found.price.usdPerGbHour;
    return { book: nameOf(found.book), usd, per: 'GB-hour', usdPerGbMonth: usd * (MONTH_MS / HOUR_MS) };
  }
  const found = storagePrice(prices, price.storageClass);
  const usd = found.price.usdPerGbMonth;
  return { book: nameOf(found.book), usd, per: 'GB-month', usdPerGbMonth: usd };
}

const nameOf = ({ id, asOf }: PriceBookFile): string => `${id}@${asOf}`;
