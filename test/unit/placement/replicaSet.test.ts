import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../lib/caching/structures/seededRandom.ts';
import { storageUsd } from '../../../lib/placement/bill.ts';
import {
  compileRates,
  type DemandForecast,
  knownRate,
  replicaSetCost,
  SUBSCRIPTIONS,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, HOUR_MS } from '../../../lib/shared/units.ts';

const rates = compileRates(shippedPriceBook());
const BYTES = 6 * 2 ** 30;
const at = (storageClass: string, idleDays = 0) => ({
  bytes: BYTES,
  origin: { storageClass, heldMs: 0, idleMs: idleDays * DAY_MS },
  hostTiers: [],
});

/** Storage in Intelligent-Tiering over random histories of reads at rates that are drawn from the forecast's gamma. */
function sampledStorageUsd(shape: number, exposureMs: number, idleMs: number, horizonMs: number): number {
  const random = new SeededRandom(5);
  const exponential = (): number => -Math.log(1 - random.fraction());
  const home = rates.of('INTELLIGENT_TIERING');
  const samples = 20_000;
  let usd = 0;
  for (let sample = 0; sample < samples; sample += 1) {
    // Whole shapes only: a gamma is a sum of exponentials.
    const rate = Array.from({ length: shape }, exponential).reduce((sum, one) => sum + one, 0) / exposureMs;
    let now = 0;
    let idle = idleMs;
    while (now < horizonMs) {
      const gap = Math.min(exponential() / rate, horizonMs - now);
      usd += storageUsd(home, BYTES, gap, idle);
      now += gap;
      idle = 0;
    }
  }
  return usd / samples;
}

describe('the cost of a set of replicas', () => {
  it.each([
    [2, 120, 0, 365],
    [1, 40, 20, 200],
    [3, 400, 45, 60],
    [1, 1000, 100, 25],
  ])(
    'expects in Intelligent-Tiering what random reads cost (shape %i, %i days, idle %i, horizon %i)',
    (shape, days, idleDays, horizon) => {
      const forecast: DemandForecast = { components: [{ weight: 1, shape, exposureMs: days * DAY_MS }] };
      const cost = replicaSetCost(
        at('INTELLIGENT_TIERING', idleDays),
        forecast,
        horizon * DAY_MS,
        SUBSCRIPTIONS.fetch,
        rates,
      );
      const sampled = sampledStorageUsd(shape, days * DAY_MS, idleDays * DAY_MS, horizon * DAY_MS);
      expect(cost.originStorageUsd / sampled).toBeCloseTo(1, 1.7);
    },
  );

  it('adds up to its parts, and counts the GPU that waits', () => {
    const cost = replicaSetCost(at('STANDARD'), knownRate(10), 30 * DAY_MS, SUBSCRIPTIONS.fetch, rates);
    const { usd, originStorageUsd, hostUsd, requestUsd, retrievalUsd, transferUsd, gpuWaitingUsd } = cost;
    expect(usd).toBeCloseTo(originStorageUsd + hostUsd + requestUsd + retrievalUsd + transferUsd + gpuWaitingUsd, 12);
    expect(cost.reads).toBeCloseTo(300, 6);
    // 6 GiB at 500 MiB/s and 0.1 s, an H100 at $6.88 an hour, 300 times.
    expect(gpuWaitingUsd).toBeCloseTo((((300 * (6 * 1024)) / 500 + 300 * 0.1) / 3600) * 6.88, 6);
  });

  it('lets a host copy answer the reads: rent instead of waits, and the origin rests', () => {
    const forecast = knownRate(100);
    const without = replicaSetCost(at('INTELLIGENT_TIERING'), forecast, 120 * DAY_MS, SUBSCRIPTIONS.fetch, rates);
    const held = { ...at('INTELLIGENT_TIERING'), hostTiers: ['ssd', 'nvme'] as const };
    const cost = replicaSetCost(held, forecast, 120 * DAY_MS, SUBSCRIPTIONS.fetch, rates);
    expect(cost.hostUsd).toBeCloseTo((BYTES / 1e9) * 0.03 * 120 * 24, 9);
    expect(cost.requestUsd + cost.retrievalUsd).toBe(0);
    expect(cost.originStorageUsd).toBeLessThan(without.originStorageUsd);
    expect(cost.waitMs).toBeLessThan(without.waitMs / 4);
  });

  it('states the minimum duration that is still owed, without adding it', () => {
    const cost = replicaSetCost(at('GLACIER_IR'), knownRate(0), 30 * DAY_MS, SUBSCRIPTIONS.fetch, rates);
    expect(cost.liabilityUsd).toBeCloseTo(6 * 0.004 * ((60 * 24) / 730), 9);
    expect(cost.usd).toBeCloseTo(6 * 0.004 * ((30 * 24) / 730), 6);
  });

  it('waits for restores in archive classes', () => {
    const cost = replicaSetCost(at('GLACIER'), knownRate(1), 1 * DAY_MS, SUBSCRIPTIONS.fetch, rates);
    expect(cost.waitMs).toBeGreaterThan(11 * HOUR_MS);
  });
});
