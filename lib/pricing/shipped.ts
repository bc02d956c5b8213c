import { frozen } from '../shared/frozen.ts';
import awsUsEast1 from './books/aws-us-east-1.json' with { type: 'json' };
import cloudflareR2 from './books/cloudflare-r2.json' with { type: 'json' };
import reference from './books/reference.json' with { type: 'json' };
import { combinePriceBooks, type PriceBook, parsePriceBook } from './priceBook.ts';

let shipped: PriceBook | undefined;

/** The books that ship with Strata, the first answering where several hold a price; frozen, and parsed once a process. */
export function shippedPriceBook(): PriceBook {
  shipped ??= frozen(combinePriceBooks(...[awsUsEast1, cloudflareR2, reference].map((book) => parsePriceBook(book))));
  return shipped;
}
