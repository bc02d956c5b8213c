export { bookFromOffers, isAwsRegion, offerPath, PRICE_LIST_ORIGIN } from './aws/bookFromOffers.ts';
export { MOST_LIST_BYTES, OFFER_CODES, type OfferCode, parseOfferFile } from './aws/offerFile.ts';
export { isSoldEverywhere } from './aws/products.ts';
export { bookName, parseDecidingBook, samePrices } from './decidingBook.ts';
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
export { shippedPriceBook } from './shipped.ts';
