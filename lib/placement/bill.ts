import { GIB, MONTH_MS } from '../shared/units.ts';
import type { ClassRates } from './rates.ts';

/*
 * What the provider bills for one object. Rules and sources: the price book; examples by hand: test/unit/placement/golden.json.
 * Amounts are plain numbers of dollars: these are the hot loops, and callers brand at the edge.
 */

/** The bytes that a class bills for an object at its own rate. */
export function billedBytes(rates: ClassRates, bytes: number): number {
  return Math.max(bytes, rates.minimumBytes) + rates.overheadBytes;
}

/** Storage of one object over a time during which nothing is read; `idleMs` is how long it had been idle at the start. */
export function storageUsd(rates: ClassRates, bytes: number, ms: number, idleMs = 0): number {
  if (rates.autoTiering !== undefined) return autoTieredUsd(rates, bytes, ms, idleMs);
  return ms * (billedBytes(rates, bytes) * rates.usdPerByteMs + rates.overheadUsdPerMs);
}

function autoTieredUsd(rates: ClassRates, bytes: number, ms: number, idleMs: number): number {
  const auto = rates.autoTiering;
  if (auto === undefined || bytes < auto.minimumBytes) return ms * bytes * rates.usdPerByteMs;
  let usd = ms * auto.monitoringUsdPerMs;
  let rate = rates.usdPerByteMs;
  let from = idleMs;
  const end = idleMs + ms;
  for (const step of auto.steps) {
    const until = Math.min(end, step.afterIdleMs);
    if (until > from) {
      usd += (until - from) * bytes * rate;
      from = until;
    }
    rate = step.usdPerByteMs;
  }
  return usd + (end - from) * bytes * rate;
}

/** One whole read, without the transfer: request and retrieval. For archive classes the cheapest restore. */
export function readUsd(rates: ClassRates, bytes: number): number {
  return rates.getUsd + rates.retrievalUsdPerRequest + bytes * rates.retrievalUsdPerByte;
}

/** The charge for storage that was promised but not used, when an object leaves `heldMs` after its clock started. */
export function earlyDeletionUsd(rates: ClassRates, bytes: number, heldMs: number): number {
  const remaining = rates.minimumMs - heldMs;
  return remaining <= 0 ? 0 : remaining * (billedBytes(rates, bytes) * rates.usdPerByteMs + rates.overheadUsdPerMs);
}

/** S3 copies whole objects up to 5 GiB in one request; larger ones in parts of that size, with one request to begin and one to end. */
export function copyRequests(bytes: number): number {
  return bytes <= 5 * GIB ? 1 : Math.ceil(bytes / (5 * GIB)) + 2;
}

/** How an object changes its class: by the provider's lifecycle, by a copy, or by writing back bytes that were just read. */
export type MoveMechanism = 'lifecycle' | 'copy' | 'write-back';

/** Whether the provider's lifecycle can make this move, which spares the retrieval charge. */
export function lifecycleMoves(from: ClassRates, to: ClassRates): boolean {
  return from.lifecycleRank !== undefined && to.lifecycleRank !== undefined && from.lifecycleRank < to.lifecycleRank;
}

/** Requests and retrieval of a move, without the early-deletion charge. */
export function moveUsd(from: ClassRates, to: ClassRates, bytes: number, mechanism: MoveMechanism): number {
  if (mechanism === 'lifecycle') return to.transitionInUsd;
  const written = copyRequests(bytes) * to.putUsd + bytes * to.uploadUsdPerByte;
  return mechanism === 'write-back' ? written : written + readUsd(from, bytes);
}

/** Storage of one idle month, the figure that people compare classes by; Intelligent-Tiering at `idleMs`. */
export function idleMonthUsd(rates: ClassRates, bytes: number, idleMs = 0): number {
  return storageUsd(rates, bytes, MONTH_MS, idleMs);
}
