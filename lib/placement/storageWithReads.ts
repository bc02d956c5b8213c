import { billedBytes } from './bill.ts';
import { type DemandForecast, expectedRestMs, probabilityOfNoRead } from './demand.ts';
import type { ClassRates } from './rates.ts';

/** Expected storage over a horizon while reads come and go; where the class tiers by itself, by the expected idle times. */
export function storageWithReadsUsd(
  rates: ClassRates,
  bytes: number,
  idleMs: number,
  demand: DemandForecast,
  horizonMs: number,
): number {
  const auto = rates.autoTiering;
  if (auto === undefined || bytes < auto.minimumBytes) {
    return horizonMs * (billedBytes(rates, bytes) * rates.usdPerByteMs + rates.overheadUsdPerMs);
  }
  let usd = horizonMs * (auto.monitoringUsdPerMs + bytes * rates.usdPerByteMs);
  let rate = rates.usdPerByteMs;
  for (const step of auto.steps) {
    usd -= expectedIdleMs(step.afterIdleMs, idleMs, demand, horizonMs) * bytes * (rate - step.usdPerByteMs);
    rate = step.usdPerByteMs;
  }
  return usd;
}

/**
 * The expected part of the horizon in which the object has been idle for more than `thresholdMs`. With reads at random, it is idle
 * that long at time s when no read came in the last `thresholdMs`, or, before that time is over, when none came yet.
 */
function expectedIdleMs(thresholdMs: number, idleMs: number, demand: DemandForecast, horizonMs: number): number {
  if (demand.components.length === 0) return Math.max(0, horizonMs - Math.max(0, thresholdMs - idleMs));
  const restUntil = (ms: number): number => (ms <= 0 ? 0 : expectedRestMs(demand, Math.min(ms, horizonMs)));
  const early = restUntil(thresholdMs) - restUntil(thresholdMs - idleMs);
  return early + Math.max(0, horizonMs - thresholdMs) * probabilityOfNoRead(demand, thresholdMs);
}
