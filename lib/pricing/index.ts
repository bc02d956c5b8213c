import awsUsEast1 from './books/aws-us-east-1.json' with { type: 'json' };
import cloudflareR2 from './books/cloudflare-r2.json' with { type: 'json' };
import reference from './books/reference.json' with { type: 'json' };
import { frozen } from '../shared/frozen.ts';
import { combinePriceBooks, type PriceBook, parsePriceBook } from './priceBook.ts';

export { bookFromOffers, isAwsRegion, offerPath, PRICE_LIST_ORIGIN } from './aws/bookFromOffers.ts';
export { MOST_LIST_BYTES, OFFER_CODES, type OfferCode, parseOfferFile } from './aws/offerFile.ts';
export { isSoldEverywhere } from './aws/products.ts';
export { bookName, parseDecidingBook } from './decidingBook.ts';
export { changePercent, decideRefresh, MOST_FACTOR, type RefreshDecision } from './decideRefresh.ts';
export { PricingError } from './errors.ts';
export { booksOfPlane, hostBooks } from './hostBooks.ts';
export {
  decidingBook,
  gpuPrice,
  hostTierPrice,
  priceAgeDays,
  pricedClasses,
  STALE_DAYS,
  type Priced,
  storagePrice,
  transferPrice,
  volumeUsd,
  workerPrice,
} from './lookup.ts';
export { type PriceLists, readBook } from './priceLists.ts';
export { listTiers, type TierLine, type TierPrice } from './listTiers.ts';
export { diffPrices, listPrices, type PriceChange, type PriceLine } from './listPrices.ts';
export {
  combinePriceBooks,
  HostTier,
  type PriceBook,
  type PriceBookFile,
  parsePriceBook,
  priceBookOf,
  type StoragePrice,
} from './priceBook.ts';

let shipped: PriceBook | undefined;

/** The books that ship with Strata, the first answering where several hold a price; frozen, and parsed once a process. */
export function shippedPriceBook(): PriceBook {
  shipped ??= frozen(combinePriceBooks(...[awsUsEast1, cloudflareR2, reference].map((book) => parsePriceBook(book))));
  return shipped;
}
