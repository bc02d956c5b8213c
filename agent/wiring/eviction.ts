import { compileRates, missCost, type Rates, SUBSCRIPTIONS } from '../../lib/placement/index.ts';
import { booksOfPlane, gpuPrice, PricingError, shippedPriceBook } from '../../lib/pricing/index.ts';
import { StorageClass } from '../../lib/shared/ids.ts';
import type { Telemetry } from '../../lib/shared/ports/telemetry.ts';
import type { EvictionConfig } from '../nvme/evictionPolicy.ts';
import { HOUR_MS } from '../../lib/shared/units.ts';
import { type AgentSettings, invalid } from './config.ts';

/** How a host weighs what it evicts: by the books that ship with it until its plane has told it those that it decides by. */
export interface Weighing {
  readonly config: EvictionConfig;
  /** From now on; what cannot be read, or does not price its GPU, changes nothing; a class that it has no price for keeps the shipped one. */
  readonly usePrices: (books: string) => void;
}

/**
 * A miss as the plane prices one: the GPU that waits for the bytes, the requests, and what reading its class costs. The class is the one
 * that the host was told; where it was told none, STANDARD.
 * @throws ContractError `invalid-config` for a GPU without a price.
 */
export function createWeighing(
  settings: Pick<AgentSettings, 'gpu' | 'evictBy' | 'bytesPerSecond' | 'ssdWearUsdPerTb'>,
  telemetry: Pick<Telemetry, 'info' | 'warn'>,
): Weighing {
  const { gpu, evictBy } = settings;
  const shipped = shippedPriceBook();
  let rates = compileRates(shipped);
  const bytesPerSecond = Math.min(settings.bytesPerSecond, SUBSCRIPTIONS.fetch.bytesPerSecond);
  const path = { ...SUBSCRIPTIONS.fetch, gpu, bytesPerSecond };
  /** Classes that no told book prices. */
  let untold: ReadonlySet<StorageClass> = new Set();
  const shippedRates = rates;
  const missBy = (by: Rates, ...[bytes, storageClass = 'STANDARD', speed]: Parameters<EvictionConfig['missCost']>) =>
    missCost({ bytes, storageClass }, { ...path, ...speed }, by);
  const config: EvictionConfig = {
    missCost(...miss) {
      const [, storageClass = 'STANDARD'] = miss;
      return missBy(untold.has(storageClass) ? shippedRates : rates, ...miss);
    },
    weighs: evictBy,
    waitUsd: (ms) => (gpuPrice(rates.prices, gpu).price.usdPerHour / HOUR_MS) * path.gpusWaiting * ms,
    wearUsdPerByte: settings.ssdWearUsdPerTb / 1e12,
  };
  function prices(by: Rates, storageClass: StorageClass): boolean {
    try {
      missBy(by, 1, storageClass);
      return true;
    } catch (error) {
      if (error instanceof PricingError) return false;
      throw error;
    }
  }

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
        // Of the same name a told book answers for all that the shipped one holds: it may lack this GPU, or a class.
        missBy(told, 1);
        untold = new Set(StorageClass.options.filter((storageClass) => !prices(told, storageClass)));
        rates = told;
        telemetry.info('prices-told', { prices: told.prices.id, untold: [...untold].join(' ') });
      } catch (error) {
        if (!(error instanceof PricingError)) throw error;
        telemetry.warn('prices-not-read', { code: error.code, message: error.message });
      }
    },
  };
}
