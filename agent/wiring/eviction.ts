import { compileRates, missCost, SUBSCRIPTIONS } from '../../lib/placement/index.ts';
import { PricingError, shippedPriceBook } from '../../lib/pricing/index.ts';
import type { EvictionConfig } from '../nvme/evictionPolicy.ts';
import { type AgentSettings, invalid } from './config.ts';

/**
 * A miss as the plane prices one: the GPU that waits for the bytes, and the requests. Of an origin in another class than STANDARD
 * the host knows nothing, so fees and waits of colder classes are left out.
 * @throws ContractError `invalid-config` for a GPU without a price.
 */
export function evictionConfig(settings: Pick<AgentSettings, 'gpu' | 'evictBy' | 'bytesPerSecond'>): EvictionConfig {
  const { gpu, evictBy } = settings;
  const rates = compileRates(shippedPriceBook());
  const bytesPerSecond = Math.min(settings.bytesPerSecond, SUBSCRIPTIONS.fetch.bytesPerSecond);
  const path = { ...SUBSCRIPTIONS.fetch, gpu, bytesPerSecond };
  const config: EvictionConfig = {
    missCost: (bytes) => missCost({ bytes, storageClass: 'STANDARD' }, path, rates),
    weighs: evictBy,
  };
  try {
    config.missCost(1);
  } catch (error) {
    if (!(error instanceof PricingError)) throw error;
    throw invalid(`--gpu: ${error.message}`);
  }
  return config;
}
