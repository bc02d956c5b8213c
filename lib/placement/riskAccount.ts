import { DAY_MS } from '../shared/units.ts';
import { readUsd, storageUsd } from './bill.ts';
import { homeClass } from './classes.ts';
import type { Rates } from './rates.ts';

/**
 * The dollars account of a plane for moves on learned forecasts, kept where decisions come a sweep at a time. It is `Allowance` with
 * what a sweep can know: the shadow counts only the least that Intelligent-Tiering can charge for bytes that were there a week before,
 * and an object's result counts when it is back. Slack is what may still be reserved; a move reserves the most that it can lose.
 *
 * Guarantee, for at most as many reads of an object between two sweeps as its reservation covers (`READS_COVERED`, one of what older releases have
 * moved): what learned moves have lost against Intelligent-Tiering, less what they have
 * saved, stays below `part` of Intelligent-Tiering's dollars. More reads at once can lose more; then nothing is risked until that is made up for.
 */
export interface RiskAccount {
  /** The least that Intelligent-Tiering would have charged so far. */
  readonly shadowUsd: number;
  /** Saved less lost by the objects that are back. */
  readonly settledUsd: number;
  /** Reserved for the objects that are out. */
  readonly reservedUsd: number;
}

/** An object that left Intelligent-Tiering, or was kept out of it, on a learned forecast. */
export interface Risk {
  readonly bytes: number;
  readonly to: string;
  readonly openedAt: number;
  /** For how long the object had not been read then. */
  readonly idleMs: number;
  /** What the move itself has cost. */
  readonly movedUsd: number;
  readonly reservedUsd: number;
  /** Reads between two sweeps that this covers; absent: one. */
  readonly readsCovered?: number | undefined;
  /** Reads of the bucket that were counted of that day until then. */
  readonly readsBefore?: number | undefined;
}

/** Reads of the bucket on one calendar day (UTC), at any moment of it. */
export interface DayReads {
  readonly at: number;
  readonly reads: number;
}

/** Until when an object was out, and how many reads of that day had been counted by then; without it all of them count. */
export interface Until {
  readonly at: number;
  readonly readsBefore?: number | undefined;
}

/** What may still be reserved; never negative. */
export function slackUsd(account: RiskAccount, part: number): number {
  return Math.max(0, part * account.shadowUsd + account.settledUsd - account.reservedUsd);
}

/** The least that Intelligent-Tiering charges for these bytes over this time. */
export function floorUsd(rates: Rates, bytes: number, ms: number): number {
  const home = rates.of(homeClass(rates));
  return storageUsd(home, bytes, ms, home.autoTiering?.steps.at(-1)?.afterIdleMs ?? 0);
}

/**
 * The reads from when an object left until `until`, days in their order. Counts know days, not moments: of the first and the last day what
 * was counted when it left and came back tells them apart. What was counted later of the last day may have been before: of it as many count
 * as its reservation covers.
 */
export function readsOut(risk: Risk, bucketDays: readonly DayReads[], until: Until): readonly DayReads[] {
  return bucketDays.flatMap(({ at, reads }) => {
    const start = at - (at % DAY_MS);
    if (start + DAY_MS <= risk.openedAt || start > until.at) return [];
    const before = start <= risk.openedAt ? Math.min(reads, risk.readsBefore ?? 0) : 0;
    const last = start + DAY_MS > until.at && until.readsBefore !== undefined;
    const since = reads - before;
    const counted = last ? Math.max((until.readsBefore ?? 0) - before, Math.min(risk.readsCovered ?? 1, since)) : since;
    return counted > 0 ? [{ at: Math.min(until.at, Math.max(risk.openedAt, at)), reads: counted }] : [];
  });
}

/** What an object has cost more than its shadow in Intelligent-Tiering, from when it left until `until`; negative where it has saved. */
export function lostUsd(risk: Risk, bucketDays: readonly DayReads[], until: Until, rates: Rates): number {
  const home = rates.of(homeClass(rates));
  const out = rates.of(risk.to);
  const days = readsOut(risk, bucketDays, until);
  let shadowUsd = 0;
  let from = risk.openedAt;
  let idleMs = risk.idleMs;
  for (const at of [...days.map((day) => day.at), until.at]) {
    shadowUsd += storageUsd(home, risk.bytes, Math.max(0, at - from), idleMs);
    idleMs = 0;
    from = Math.max(from, at);
  }
  const reads = days.reduce((sum, day) => sum + day.reads, 0);
  shadowUsd += reads * readUsd(home, risk.bytes);
  const stayedUsd = storageUsd(out, risk.bytes, Math.max(0, until.at - risk.openedAt));
  return risk.movedUsd + stayedUsd + reads * readUsd(out, risk.bytes) - shadowUsd;
}
