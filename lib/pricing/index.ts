import awsUsEast1 from './books/aws-us-east-1.json' with { type: 'json' };
import cloudflareR2 from './books/cloudflare-r2.json' with { type: 'json' };
import reference from './books/reference.json' with { type: 'json' };
import { combinePriceBooks, type PriceBook, parsePriceBook } from './priceBook.ts';

export { PricingError } from './errors.ts';
export {
  gpuPrice,
  hostTierPrice,
  priceAgeDays,
  type Priced,
  storagePrice,
  transferPrice,
  volumeUsd,
  workerPrice,
} from './lookup.ts';
export { diffPrices, listPrices, type PriceChange, type PriceLine } from './listPrices.ts';
export {
  combinePriceBooks,
  HostTier,
  type PriceBook,
  type PriceBookFile,
  parsePriceBook,
  type StoragePrice,
} from './priceBook.ts';

/** The books that ship with Strata, the first answering where several hold a price. */
export function shippedPriceBook(): PriceBook {
  return combinePriceBooks(...[awsUsEast1, cloudflareR2, reference].map((book) => parsePriceBook(book)));
}
