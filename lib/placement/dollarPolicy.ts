import { DAY_MS } from '../shared/units.ts';
import { billedBytes, earlyDeletionUsd, moveUsd, readUsd } from './bill.ts';
import { type DemandForecast, type DemandPrior, expectedRestMs, probabilityOfNoRead } from './demand.ts';
import type { ClassRates } from './rates.ts';
import { chooseRestore, type Waiting } from './restore.ts';

/**
 * The dollar policy. It compares, for every class, the expected dollars up to the next read (or the horizon) when the time to that
 * read is uncertain. After a read the bytes can be written back anywhere for the price of a PUT, so what follows is the same for all
 * classes and cancels.
 *
 * Competitive argument. Where nothing is known, Intelligent-Tiering stays: it is ski rental whose steps down are free and whose way up
 * costs nothing, so between two reads it pays at most 30 d × $0.019 + 60 d × $0.0085 = $0.036/GB above its floor, whatever the reads
 * do. A learned forecast may lead elsewhere only within the `Allowance`, which holds the total below 1 + `allowance` times
 * Intelligent-Tiering's for every sequence of at most three reads a day (`READS_COVERED`).
 */
export interface DollarPolicy {
  readonly kind: 'dollars';
  readonly version: string;
  /** Savings beyond this time do not count where the forecast was learned, nor beyond the longer one where it is known. */
  readonly horizonMs: number;
  readonly knownHorizonMs: number;
  /** What a forecast has led to a class that charges for reads leaves it when they have cost so many times the way home; what none has, when once. */
  readonly trust: number;
  /** The part of the present class's expected dollars that a move must save. */
  readonly margin: number;
  /** What is believed of an object before its reads say more. */
  readonly prior: DemandPrior;
  /** Learned forecasts may cost this part more than Intelligent-Tiering at most; see `Allowance`. */
  readonly allowance: number;
}

/**
 * The prior is worth half a read in ten days and the past is forgotten with a half-life of 400 days. Both were chosen on the first 36
 * months of 80 published models (docs/placement.md), where neighbouring values do about as well.
 */
export const DOLLARS: DollarPolicy = {
  kind: 'dollars',
  version: 'dollars-3',
  horizonMs: 365 * DAY_MS,
  knownHorizonMs: 3 * 365 * DAY_MS,
  trust: 2,
  margin: 0,
  prior: { shape: 0.5, exposureMs: 10 * DAY_MS, halfLifeMs: 400 * DAY_MS },
  allowance: 0.01,
};

/** Where an object is when its class is decided. */
export interface Standing {
  readonly bytes: number;
  /** Time since it entered its class, and since its last read or entry, whichever is later. */
  readonly heldMs: number;
  readonly idleMs: number;
}

/** Expected dollars of being in one class until the next read or the horizon, with their parts. */
export interface ClassOutlook {
  readonly storageUsd: number;
  readonly retrievalUsd: number;
  readonly gpuWaitingUsd: number;
  /** What the class charges when the read takes the object away before its minimum duration is over. */
  readonly earlyDeletionUsd: number;
}

export function outlookUsd(outlook: ClassOutlook): number {
  return outlook.storageUsd + outlook.retrievalUsd + outlook.gpuWaitingUsd + outlook.earlyDeletionUsd;
}

/** Expected dollars in `rates` from now on; undefined where the class cannot keep the promise of `waiting`. */
export function classOutlook(
  rates: ClassRates,
  at: { readonly bytes: number; readonly heldMs: number; readonly idleMs: number },
  forecast: DemandForecast,
  horizonMs: number,
  waiting: Waiting,
): ClassOutlook | undefined {
  const restore = rates.instant ? undefined : chooseRestore(rates, at.bytes, waiting);
  if (!rates.instant && restore === undefined) return undefined;
  const readProbability = 1 - probabilityOfNoRead(forecast, horizonMs);
  const feeUsd = restore ? rates.getUsd + restore.feeUsd : readUsd(rates, at.bytes);
  return {
    storageUsd: expectedStorageUsd(rates, at.bytes, at.idleMs, forecast, horizonMs),
    retrievalUsd: readProbability * feeUsd,
    gpuWaitingUsd: readProbability * (restore?.waitingUsd ?? 0),
    earlyDeletionUsd: expectedLiabilityUsd(rates, at.bytes, at.heldMs, forecast, horizonMs),
  };
}

function expectedStorageUsd(
  rates: ClassRates,
  bytes: number,
  idleMs: number,
  forecast: DemandForecast,
  horizonMs: number,
): number {
  const auto = rates.autoTiering;
  const restMs = expectedRestMs(forecast, horizonMs);
  if (auto === undefined || bytes < auto.minimumBytes) {
    return restMs * (billedBytes(rates, bytes) * rates.usdPerByteMs + rates.overheadUsdPerMs);
  }
  let usd = restMs * auto.monitoringUsdPerMs;
  let rate = rates.usdPerByteMs;
  let reached = 0;
  for (const step of auto.steps) {
    const until = step.afterIdleMs - idleMs;
    if (until > 0 && until < horizonMs) {
      const rest = expectedRestMs(forecast, until);
      usd += (rest - reached) * bytes * rate;
      reached = rest;
    }
    if (until < horizonMs) rate = step.usdPerByteMs;
  }
  return usd + (restMs - reached) * bytes * rate;
}

/** Storage promised and not used when the next read moves the object away: rate × E[(remaining − X)⁺]. */
function expectedLiabilityUsd(
  rates: ClassRates,
  bytes: number,
  heldMs: number,
  forecast: DemandForecast,
  horizonMs: number,
): number {
  const remainingMs = Math.min(rates.minimumMs - heldMs, horizonMs);
  if (remainingMs <= 0) return 0;
  const unusedMs = remainingMs - expectedRestMs(forecast, remainingMs);
  return unusedMs * (billedBytes(rates, bytes) * rates.usdPerByteMs + rates.overheadUsdPerMs);
}

/** Dollars of a copy from one class to another now: requests, retrieval where it is charged, and what the old class still claims. */
export function switchUsd(from: ClassRates, to: ClassRates, at: Standing): number {
  if (from === to) return 0;
  return moveUsd(from, to, at.bytes, 'copy') + earlyDeletionUsd(from, at.bytes, at.heldMs);
}

/** What a choice between classes rests on. */
export interface Prospect {
  readonly forecast: DemandForecast;
  readonly horizonMs: number;
  readonly waiting: Waiting;
  /** The object is deleted at the end of the horizon, so that what remains of a minimum duration is charged then. */
  readonly ends?: boolean;
}

/**
 * The class with the least expected dollars among `candidates`, or the present one where no saving reaches `margin`. This is the hot
 * path: it builds no reasons; `explainTier` does.
 */
export function cheapestClass(
  from: ClassRates,
  candidates: readonly ClassRates[],
  at: Standing,
  prospect: Prospect,
  margin: number,
): ClassRates {
  const here = prospectUsd(from, at, prospect);
  let best = from;
  let bestUsd = here * (1 - margin);
  for (const to of candidates) {
    if (to === from) continue;
    const usd = switchUsd(from, to, at) + prospectUsd(to, { bytes: at.bytes, heldMs: 0, idleMs: 0 }, prospect);
    if (usd < bestUsd) {
      best = to;
      bestUsd = usd;
    }
  }
  return best;
}

/** The class with the least expected dollars for an object that is written now. */
export function firstClass(
  candidates: readonly ClassRates[],
  bytes: number,
  prospect: Prospect,
): ClassRates | undefined {
  let best: ClassRates | undefined;
  let bestUsd = Number.POSITIVE_INFINITY;
  for (const one of candidates) {
    const usd = moveUsd(one, one, bytes, 'write-back') + prospectUsd(one, { bytes, heldMs: 0, idleMs: 0 }, prospect);
    if (usd < bestUsd) {
      best = one;
      bestUsd = usd;
    }
  }
  return best;
}

/** Infinite where the class cannot keep the promise. */
function prospectUsd(
  one: ClassRates,
  at: { readonly bytes: number; readonly heldMs: number; readonly idleMs: number },
  { forecast, horizonMs, waiting, ends = false }: Prospect,
): number {
  const outlook = classOutlook(one, at, forecast, horizonMs, waiting);
  if (outlook === undefined) return Number.POSITIVE_INFINITY;
  if (!ends) return outlookUsd(outlook);
  const endUsd = earlyDeletionUsd(one, at.bytes, at.heldMs + horizonMs);
  return outlookUsd(outlook) + probabilityOfNoRead(forecast, horizonMs) * endUsd;
}
