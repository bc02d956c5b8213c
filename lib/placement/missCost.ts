import { gpuPrice, transferPrice } from '../pricing/index.ts';
import { HOUR_MS, Usd } from '../shared/units.ts';
import { readUsd } from './bill.ts';
import type { Rates } from './rates.ts';

/** How a host gets bytes that it does not hold, and what waits meanwhile. */
export interface FetchPath {
  readonly bytesPerSecond: number;
  /** From the request to the first byte; of a restore in archive classes, the wait of the restore comes on top. */
  readonly firstByteMs: number;
  /** Bytes of one ranged request. */
  readonly partBytes: number;
  /** A transfer route of the price book, such as `same-region`. */
  readonly route: string;
  readonly gpu: string;
  /** GPUs that idle until the bytes are there; 0 where the fetch is ahead of its need. */
  readonly gpusWaiting: number;
}

/** What one miss costs, with its parts. `ms` is the wait. */
export interface MissCost {
  readonly ms: number;
  readonly usd: Usd;
  readonly gpuWaitingUsd: Usd;
  readonly requestUsd: Usd;
  readonly retrievalUsd: Usd;
  readonly transferUsd: Usd;
}

/**
 * Dollars and time of reading one blob from the object store into a host. Archive classes take their cheapest restore and wait for
 * it. Throws `PricingError` where the class, the GPU or the route has no price.
 */
export function missCost(blob: { bytes: number; storageClass: string }, path: FetchPath, rates: Rates): MissCost {
  const origin = rates.of(blob.storageClass);
  const route = transferPrice(rates.prices, path.route);
  const gpuUsdPerMs = gpuPrice(rates.prices, path.gpu).price.usdPerHour / HOUR_MS;
  const cheapest = origin.restores.find((restore) => restore.usdPerByte === origin.retrievalUsdPerByte);
  const restoreMs = origin.instant ? 0 : (cheapest?.waitMs ?? 0);
  const ms = restoreMs + path.firstByteMs + (blob.bytes / path.bytesPerSecond) * 1000;
  const requestUsd = Math.max(1, Math.ceil(blob.bytes / path.partBytes)) * origin.getUsd;
  const retrievalUsd = readUsd(origin, blob.bytes) - origin.getUsd;
  const transferUsd = (blob.bytes / route.book.gbBytes) * route.price.usdPerGb;
  const gpuWaitingUsd = path.gpusWaiting * ms * gpuUsdPerMs;
  return {
    ms,
    usd: Usd.parse(gpuWaitingUsd + requestUsd + retrievalUsd + transferUsd),
    gpuWaitingUsd: Usd.parse(gpuWaitingUsd),
    requestUsd: Usd.parse(requestUsd),
    retrievalUsd: Usd.parse(retrievalUsd),
    transferUsd: Usd.parse(transferUsd),
  };
}
