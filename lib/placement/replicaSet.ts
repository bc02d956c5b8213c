import { gpuPrice, type HostTier, hostTierPrice } from '../pricing/index.ts';
import { HOUR_MS, SECOND_MS, Usd } from '../shared/units.ts';
import { earlyDeletionUsd } from './bill.ts';
import { type DemandForecast, expectedReads, expectedRestMs, probabilityOfNoRead } from './demand.ts';
import { type FetchPath, missCost } from './missCost.ts';
import type { Rates } from './rates.ts';
import { HOST_SPEEDS } from './residency.ts';
import { storageWithReadsUsd } from './storageWithReads.ts';

/** The copies of one blob: one at the origin, and any number on the tiers of one host. */
export interface ReplicaSet {
  readonly bytes: number;
  readonly origin: { readonly storageClass: string; readonly heldMs: number; readonly idleMs: number };
  readonly hostTiers: readonly HostTier[];
}

/** Expected dollars over a horizon, with their parts. */
export interface ReplicaSetCost {
  readonly usd: Usd;
  readonly originStorageUsd: Usd;
  readonly hostUsd: Usd;
  readonly requestUsd: Usd;
  readonly retrievalUsd: Usd;
  readonly transferUsd: Usd;
  readonly gpuWaitingUsd: Usd;
  /** What leaving the origin's class at the end of the horizon would still charge: owed, and no part of `usd`. */
  readonly liabilityUsd: Usd;
  readonly reads: number;
  /** Expected time that GPUs wait, in milliseconds. */
  readonly waitMs: number;
}

/**
 * The expected dollars of a set of replicas over a horizon, the GPU that waits included: the one objective that placement, prefetch,
 * eviction and tiering share. Each read is answered by the fastest copy. Throws `PricingError` where a price lacks.
 */
export function replicaSetCost(
  set: ReplicaSet,
  forecast: DemandForecast,
  horizonMs: number,
  path: FetchPath,
  rates: Rates,
): ReplicaSetCost {
  const origin = rates.of(set.origin.storageClass);
  const reads = expectedReads(forecast, horizonMs);
  const nearest = nearestTier(set.hostTiers);
  const miss = missCost({ bytes: set.bytes, storageClass: set.origin.storageClass }, path, rates);
  const hitMs = nearest === undefined ? 0 : tierWaitMs(nearest, set.bytes);
  const gpuUsdPerMs = (gpuPrice(rates.prices, path.gpu).price.usdPerHour * path.gpusWaiting) / HOUR_MS;
  // A host copy keeps reads away from the origin, which then rests throughout.
  const originDemand = nearest === undefined ? forecast : NO_READS;
  const parts = {
    originStorageUsd: storageWithReadsUsd(origin, set.bytes, set.origin.idleMs, originDemand, horizonMs),
    hostUsd: set.hostTiers.reduce((sum, tier) => sum + rentUsd(tier, set.bytes, horizonMs, rates), 0),
    requestUsd: nearest === undefined ? reads * miss.requestUsd : 0,
    retrievalUsd: nearest === undefined ? reads * miss.retrievalUsd : 0,
    transferUsd: nearest === undefined ? reads * miss.transferUsd : 0,
    gpuWaitingUsd: reads * (nearest === undefined ? miss.gpuWaitingUsd : hitMs * gpuUsdPerMs),
  };
  return {
    usd: Usd.parse(Object.values(parts).reduce((sum, part) => sum + part, 0)),
    originStorageUsd: Usd.parse(parts.originStorageUsd),
    hostUsd: Usd.parse(parts.hostUsd),
    requestUsd: Usd.parse(parts.requestUsd),
    retrievalUsd: Usd.parse(parts.retrievalUsd),
    transferUsd: Usd.parse(parts.transferUsd),
    gpuWaitingUsd: Usd.parse(parts.gpuWaitingUsd),
    liabilityUsd: Usd.parse(earlyDeletionUsd(origin, set.bytes, set.origin.heldMs + horizonMs)),
    reads,
    waitMs: reads * (nearest === undefined ? miss.ms : hitMs),
  };
}

/**
 * The expected dollars of a set whose host holds nothing yet, and keeps on `tier` what its first read fetches: that one waits for the origin,
 * the others find the copy, whose rent begins with it.
 */
export function keptAtFirstReadUsd(
  set: Omit<ReplicaSet, 'hostTiers'>,
  tier: HostTier,
  forecast: DemandForecast,
  horizonMs: number,
  path: FetchPath,
  rates: Rates,
): Usd {
  const held = replicaSetCost({ ...set, hostTiers: [tier] }, forecast, horizonMs, path, rates);
  const miss = missCost({ bytes: set.bytes, storageClass: set.origin.storageClass }, path, rates);
  const read = 1 - probabilityOfNoRead(forecast, horizonMs);
  const heldPart = 1 - expectedRestMs(forecast, horizonMs) / horizonMs;
  const hits = held.reads === 0 ? 0 : Math.max(0, 1 - read / held.reads);
  return Usd.parse(held.originStorageUsd + read * miss.usd + heldPart * held.hostUsd + hits * held.gpuWaitingUsd);
}

const NO_READS: DemandForecast = { components: [] };
const FASTEST_FIRST: readonly HostTier[] = ['gpu', 'ram', 'nvme', 'ssd'];

function nearestTier(tiers: readonly HostTier[]): HostTier | undefined {
  return FASTEST_FIRST.find((tier) => tiers.includes(tier));
}

function tierWaitMs(tier: HostTier, bytes: number): number {
  const { bytesPerSecond, firstByteMs } = HOST_SPEEDS.tiers[tier];
  return firstByteMs + (bytes / bytesPerSecond) * SECOND_MS;
}

function rentUsd(tier: HostTier, bytes: number, ms: number, rates: Rates): number {
  const { price, book } = hostTierPrice(rates.prices, tier);
  return (bytes / book.gbBytes) * price.usdPerGbHour * (ms / HOUR_MS);
}
