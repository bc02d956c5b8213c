import { DAY_MS } from '../shared/units.ts';
import { readUsd, storageUsd } from './bill.ts';
import { switchUsd } from './dollarPolicy.ts';
import type { ClassRates } from './rates.ts';
import type { DayReads } from './riskAccount.ts';

/*
 * When an object leaves a class that charges for reads: ski rental, where rent is what the class has cost more than home, and buying is
 * the way home (`switchUsd`: another retrieval, a PUT, what early deletion still charges). The dollars up to the next read never say it: a
 * read costs as much as the way, and the plane cannot write back what others have read.
 *
 * Regret is the most by which going home at any one moment, and staying there, would have been cheaper up to now, the way not counted. An
 * object goes home with the first sweep that finds its regret at the way's price. Then it has paid that price, and the fees since the sweep
 * before, more than by the best moment to go. Who goes pays the way as well, and who stays has paid the regret in fees: so it pays at
 * most twice the best of both, and the fees between two sweeps.
 *
 * What a forecast has led there (`DollarPolicy.trust`) goes at twice the way's price: it pays at most three times the best of both where the
 * forecast was wrong, and two reads that come at once by chance take nothing home that rests there by right (Purohit, Svitkina, Kumar:
 * Improving Online Algorithms via ML Predictions, NeurIPS 2018).
 *
 * These bounds are of one stay. Over many of them the account bounds what is learned, and what is known leads back, after a first move, only
 * when a month's reads would have left no regret: who is told wrongly again and again goes once in a month at most (`wouldComeBack`).
 */

/**
 * The regret after another `ms` without a read, and `reads` at their end; by a home whose idle clock begins with the last read. What a class
 * costs more while nobody reads it (STANDARD_IA after some 130 days) is left to the forecast.
 */
export function regretAfter(
  usd: number,
  one: ClassRates,
  home: ClassRates,
  bytes: number,
  ms: number,
  reads: number,
): number {
  const restUsd = storageUsd(one, bytes, ms) - storageUsd(home, bytes, ms);
  return Math.max(0, usd + Math.min(0, restUsd)) + reads * (readUsd(one, bytes) - readUsd(home, bytes));
}

/** The regret of being in `one` from `since` to `until`. Days are in their order; that of its arrival does not count, as nobody knows what came before it. */
export function regretOfStay(
  one: ClassRates,
  home: ClassRates,
  bytes: number,
  since: number,
  days: readonly DayReads[],
  until: number,
): number {
  let usd = 0;
  let from = since;
  for (const { at, reads } of days) {
    if (at - (at % DAY_MS) < since || at > until) continue;
    usd = regretAfter(usd, one, home, bytes, Math.max(0, at - from), reads);
    from = Math.max(from, at);
  }
  return regretAfter(usd, one, home, bytes, Math.max(0, until - from), 0);
}

const WINDOW_MS = 30 * DAY_MS;

/** The regret that so many reads in 30 days leave at least. */
export function regretOfMonth(one: ClassRates, home: ClassRates, bytes: number, readsLast30Days: number): number {
  const feesUsd = readsLast30Days * (readUsd(one, bytes) - readUsd(home, bytes));
  return Math.max(0, feesUsd + storageUsd(one, bytes, WINDOW_MS) - storageUsd(home, bytes, WINDOW_MS));
}

/**
 * Whether an object that was read so often lately would have paid the way home `trust` times there, so that it does not go there, whatever
 * is known or learned of its reads. With a `trust` of 0 any regret is enough: that is for what is known, which no account bounds, and was moved
 * before.
 */
export function wouldComeBack(
  one: ClassRates,
  home: ClassRates,
  bytes: number,
  readsLast30Days: number,
  trust: number,
): boolean {
  if (readsLast30Days === 0 || one === home || !one.instant) return false;
  const wayUsd = switchUsd(one, home, { bytes, heldMs: 0, idleMs: 0 });
  const regretUsd = regretOfMonth(one, home, bytes, readsLast30Days);
  return regretUsd > 0 && regretUsd >= trust * wayUsd;
}
