import { compileRates, missCost, type Rates, SUBSCRIPTIONS } from '../../lib/placement/index.ts';
import { booksOfPlane, PricingError, shippedPriceBook } from '../../lib/pricing/index.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { EvictionConfig } from '../nvme/evictionPolicy.ts';
import { type AgentSettings, invalid } from './config.ts';

/** How a host weighs what it evicts: by the books that ship with it until its plane has told it those that it decides by. */
export interface Weighing {
  readonly config: EvictionConfig;
  /** From now on; what cannot be read, or does not price its GPU, changes nothing. */
  readonly usePrices: (books: string) => void;
}

/**
 * A miss as the plane prices one: the GPU that waits for the bytes, and the requests. Of an origin in another class than STANDARD
 * the host knows nothing, so fees and waits of colder classes are left out.
 * @throws ContractError `invalid-config` for a GPU without a price.
 */
export function createWeighing(
  settings: Pick<AgentSettings, 'gpu' | 'evictBy' | 'bytesPerSecond'>,
  telemetry: Pick<Telemetry, 'info' | 'warn'>,
): Weighing {
  const { gpu, evictBy } = settings;
  const shipped = shippedPriceBook();
  let rates = compileRates(shipped);
  const bytesPerSecond = Math.min(settings.bytesPerSecond, SUBSCRIPTIONS.fetch.bytesPerSecond);
  const path = { ...SUBSCRIPTIONS.fetch, gpu, bytesPerSecond };
  const missBy = (by: Rates) => (bytes: number) => missCost({ bytes, storageClass: 'STANDARD' }, path, by);
  const config: EvictionConfig = { missCost: (bytes) => missBy(rates)(bytes), weighs: evictBy };
  try {
    config.missCost(1);
  } catch (error) {
    if (!(error instanceof PricingError)) throw error;
    throw invalid(`--gpu: ${error.message}`);
  }
  return {
    config,
    usePrices(books) {
      try {
        const told = rates.at(booksOfPlane(books, shipped));
        if (told.prices.id === rates.prices.id) return;
        // Of the same name a told book answers for all that the shipped one holds: it may lack this GPU.
        missBy(told)(1);
        rates = told;
        telemetry.info('prices-told', { prices: told.prices.id });
      } catch (error) {
        if (!(error instanceof PricingError)) throw error;
        telemetry.warn('prices-not-read', { code: error.code, message: error.message });
      }
    },
  };
}
