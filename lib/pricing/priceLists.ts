import { bookFromOffers } from './aws/bookFromOffers.ts';
import { OFFER_CODES, type OfferCode, parseOfferFile } from './aws/offerFile.ts';
import type { PriceBookFile } from './priceBook.ts';

/**
 * Where a provider publishes its prices. `read` answers the text of the list that is current now.
 * @throws PricingError `list-unreachable` (retryable) where nothing or an error is answered, `invalid-list` for more than
 * `MOST_LIST_BYTES` and for a region that is none
 */
export interface PriceLists {
  read(code: OfferCode, region: string): Promise<string>;
}

/** Reads the lists of a region and makes its book of them; see `bookFromOffers` for `rules`, `readOn` and errors. */
export async function readBook(
  lists: PriceLists,
  rules: PriceBookFile,
  region: string,
  readOn: string,
): Promise<PriceBookFile> {
  const texts: string[] = [];
  for (const code of OFFER_CODES) texts.push(await lists.read(code, region));
  return bookFromOffers(rules, region, readOn, texts.map(parseOfferFile));
}
