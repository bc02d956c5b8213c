import { type OfferCode, type PriceLists, PricingError } from '../../lib/pricing/index.ts';
import { offersOf } from '../unit/pricing/offers.ts';

/** No book ships of this region: its first one comes from the lists. */
export const PRICE_REGION = 'eu-west-1';
const LISTS = offersOf(PRICE_REGION, 'EU-');

/** What a provider publishes: a price that changes, lists that lack one, and times in which nobody answers. */
export interface PublishedPrices {
  readonly lists: PriceLists;
  /** What STANDARD_IA costs from now on. */
  publish(usd: number): void;
  /** The lists as they are, torn, or out of reach. */
  become(state: 'whole' | 'torn' | 'unreachable'): void;
}

export function createPublishedPrices(): PublishedPrices {
  let state: 'whole' | 'torn' | 'unreachable' = 'whole';
  let lists = LISTS;
  return {
    lists: {
      read: async (code: OfferCode) => {
        if (state === 'unreachable') {
          throw new PricingError({ code: 'list-unreachable', message: 'No answer came.', retryable: true });
        }
        return state === 'torn' ? lists[code].replaceAll('Retrieval-GIR', 'Retrieval-XYZ') : lists[code];
      },
    },
    publish: (usd) => {
      const price = '"USD": "0.0125000000"';
      lists = { ...LISTS, AmazonS3: LISTS.AmazonS3.replaceAll(price, `"USD": "${usd.toFixed(10)}"`) };
    },
    become: (next) => {
      state = next;
    },
  };
}
