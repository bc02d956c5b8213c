import type { StorageClass } from '../shared/ids.ts';
import { DAY_MS, HOUR_MS } from '../shared/units.ts';
import { exposureUsd, READS_COVERED } from './allowance.ts';
import { classesFor, homeClass } from './classes.ts';
import { type DemandForecast, type DemandMemory, forecastFrom, knownRate } from './demand.ts';
import {
  cheapestClass,
  type ClassOutlook,
  classOutlook,
  type DollarPolicy,
  outlookUsd,
  type Prospect,
  type Standing,
  switchUsd,
} from './dollarPolicy.ts';
import { choosePackedByDollars, packByDollars, packedOutlooks } from './packTier.ts';
import type { ClassRates, Rates } from './rates.ts';
import type { Outlooks } from './tierAlternatives.ts';
import { bucketReadsOf, idleMs, storedBytes, type TierFacts, unreadMs } from './tierFacts.ts';
import type { TierChoice } from './tierTypes.ts';
import { regretOfMonth, wouldComeBack } from './wayHome.ts';

/** What the dollar policy chose for stored objects. */
export type DollarChoice = TierChoice & {
  readonly outlooks: Outlooks;
  /** What must be reserved for the choice, where it rests on a learned forecast and not on Intelligent-Tiering. */
  readonly riskUsd?: number;
};

/** Chooses with the outlook of every place; `dollarClass` is the same choice of a class without them. */
export function chooseByDollars(facts: TierFacts, policy: DollarPolicy, rates: Rates, now: number): DollarChoice {
  const prospect = prospectOf(facts, policy, now);
  const at = standingOf(facts, now);
  const { packing } = facts;
  const { last30Days: readsLately } = bucketReadsOf(facts);
  const packs = packing && { facts, packing, at, prospect, policy, rates, now, readsLately };
  const outlooks = {
    plain: plainOutlooks(facts, at, prospect, rates),
    packed: packs ? packedOutlooks(packs) : new Map(),
  };
  if (packs?.packing.packed === true) return { outlooks, ...choosePackedByDollars(packs) };
  const plain = chooseClass(facts, policy, rates, now);
  if (packs === undefined || plain.reason === 'fees-exceed-move') return { outlooks, ...plain };
  const from = rates.of(facts.storageClass);
  const to = plain.action === 'transition' ? rates.of(plain.to) : from;
  const outlook = outlooks.plain.get(plain.action === 'transition' ? plain.to : facts.storageClass);
  const plainUsd = outlook === undefined ? Number.POSITIVE_INFINITY : switchUsd(from, to, at) + outlookUsd(outlook);
  const packed = packByDollars(packs, plainUsd);
  return typeof packed === 'string' ? { outlooks, ...plain, notPacked: packed } : { outlooks, ...packed };
}

function plainOutlooks(facts: TierFacts, standing: Standing, prospect: Prospect, rates: Rates): Outlooks['plain'] {
  const { forecast, horizonMs, waiting } = prospect;
  const outlooks = new Map<StorageClass, ClassOutlook>();
  for (const storageClass of classesFor(facts.storageClass, rates)) {
    const stays = storageClass === facts.storageClass && facts.packing?.packed !== true;
    const at = stays ? standing : { bytes: facts.bytes, heldMs: 0, idleMs: 0 };
    const outlook = classOutlook(rates.of(storageClass), at, forecast, horizonMs, waiting);
    if (outlook !== undefined) outlooks.set(storageClass, outlook);
  }
  return outlooks;
}

/** The choice of a class for the bytes as they are. */
function chooseClass(
  facts: TierFacts,
  policy: DollarPolicy,
  rates: Rates,
  now: number,
): (Extract<TierChoice, { action: 'keep' }> | Extract<TierChoice, { action: 'transition' }>) & {
  readonly riskUsd?: number;
} {
  if (facts.heldBy !== undefined) return heldByDollars(facts, policy, rates, now);
  const chosen = dollarClass(facts, policy, rates, now);
  const to = rates.classes.find((one) => one === chosen);
  const there = rates.of(to ?? facts.storageClass);
  const learned = facts.knownReadsPerDay === undefined && there !== rates.of(homeClass(rates));
  const risk =
    learned && (to !== undefined || facts.atRisk !== undefined) ? { riskUsd: riskUsd(facts, there, rates, now) } : {};
  if (to === undefined) {
    return { action: 'keep', reason: chosen === 'allowance-spent' ? chosen : 'no-cheaper-class', ...risk };
  }
  if (paysTooMuch(facts, policy, rates, now)) return { action: 'transition', to, reason: 'fees-exceed-move', ...risk };
  const from = rates.of(facts.storageClass);
  const wished = cheapestClass(from, [there], standingOf(facts, now), prospectOf(facts, policy, now), policy.margin);
  return { action: 'transition', to, reason: wished === there ? 'cheaper' : 'risk-ended', ...risk };
}

/** What is held stays. Where it is out on a learned forecast, as much as the account still has is reserved for what it may lose meanwhile. */
function heldByDollars(
  facts: TierFacts,
  policy: DollarPolicy,
  rates: Rates,
  now: number,
): Extract<TierChoice, { action: 'keep' }> & { readonly riskUsd?: number } {
  const from = rates.of(facts.storageClass);
  const atRisk = facts.knownReadsPerDay === undefined && from !== rates.of(homeClass(rates)) && facts.atRisk;
  const mayUsd = (facts.slackUsd ?? 0) + (facts.atRisk?.reservedUsd ?? 0);
  const neededUsd = atRisk ? riskUsd(facts, from, rates, now) : 0;
  const loses = neededUsd > mayUsd || paysTooMuch(facts, policy, rates, now);
  const reason = loses ? 'held-at-a-loss' : 'held';
  return { action: 'keep', reason, ...(atRisk ? { riskUsd: Math.min(neededUsd, mayUsd) } : {}) };
}

/** The class to move to, or why the object stays: the hot path of sweeps, which builds nothing else. */
export function dollarClass(
  facts: TierFacts,
  policy: DollarPolicy,
  rates: Rates,
  now: number,
): StorageClass | 'no-cheaper-class' | 'allowance-spent' {
  const from = rates.of(facts.storageClass);
  const home = rates.of(homeClass(rates));
  if (paysTooMuch(facts, policy, rates, now)) return homeClass(rates);
  const standing = standingOf(facts, now);
  const { last30Days } = bucketReadsOf(facts);
  const trust = facts.knownReadsPerDay !== undefined && wasMoved(facts) ? 0 : policy.trust;
  const lasts = (name: StorageClass) => !wouldComeBack(rates.of(name), home, facts.bytes, last30Days, trust);
  const names = rates.classes.filter(lasts);
  const candidates = names.map((name) => rates.of(name));
  const prospect = prospectOf(facts, policy, now);
  const wish = cheapestClass(from, candidates, standing, prospect, policy.margin);
  const free = facts.knownReadsPerDay !== undefined || wish === home;
  const mayUsd = (facts.slackUsd ?? 0) + (facts.atRisk?.reservedUsd ?? 0);
  if (wish !== from && (free || riskUsd(facts, wish, rates, now) <= mayUsd)) {
    return names[candidates.indexOf(wish)] ?? 'no-cheaper-class';
  }
  if (!free && facts.atRisk !== undefined && from !== home && riskUsd(facts, from, rates, now) > mayUsd) {
    return homeClass(rates);
  }
  if (wish === from) return 'no-cheaper-class';
  // Intelligent-Tiering risks nothing, and may still be better than where the object is.
  const fallback = cheapestClass(from, [home], standing, prospect, policy.margin);
  return fallback === home && from !== home ? homeClass(rates) : 'allowance-spent';
}

/** Whether it lies where it was not written: some move has brought it, perhaps home from where reads cost too much. */
function wasMoved({ createdAt, transitionedAt }: TierFacts): boolean {
  return transitionedAt - createdAt > DAY_MS;
}

/** Whether its class has cost as much more than home as the way there; see `wayHome.ts`. */
function paysTooMuch(facts: TierFacts, policy: DollarPolicy, rates: Rates, now: number): boolean {
  const from = rates.of(facts.storageClass);
  const home = rates.of(homeClass(rates));
  if (from === home || !from.instant || facts.packing?.packed === true) return false;
  const standing = standingOf(facts, now);
  const { last30Days } = bucketReadsOf(facts);
  const monthThere = standing.heldMs >= 30 * DAY_MS;
  const regretUsd = facts.regretUsd ?? (monthThere ? regretOfMonth(from, home, facts.bytes, last30Days) : 0);
  if (regretUsd === 0) return false;
  const advised = facts.knownReadsPerDay !== undefined || facts.atRisk !== undefined;
  return regretUsd >= (advised ? policy.trust : 1) * switchUsd(from, home, standing);
}

/**
 * What must be reserved for being in `to` from now on, on a learned forecast: what the object has lost, and the most that it can still
 * lose against Intelligent-Tiering before it is back. What is there already is measured by as many reads as were reserved for.
 */
export function riskUsd(facts: TierFacts, to: ClassRates, rates: Rates, now: number): number {
  const from = rates.of(facts.storageClass);
  const home = rates.of(homeClass(rates));
  const standing = standingOf(facts, now);
  const shadowIdleMs = unreadMs(facts, now);
  const exposed = (one: ClassRates, heldMs: number, idleMs: number, reads: number): number => {
    const at = { bytes: facts.bytes, heldMs, idleMs, shadowIdleMs };
    return exposureUsd(one, home, at, DAY_MS, waitingOf(facts), reads);
  };
  const lostUsd = facts.atRisk?.lostUsd ?? 0;
  if (to === from) {
    const reads = facts.atRisk === undefined ? READS_COVERED : (facts.atRisk.readsCovered ?? 1);
    return lostUsd + exposed(from, standing.heldMs, standing.idleMs, reads);
  }
  return lostUsd + switchUsd(from, to, standing) + exposed(to, 0, 0, READS_COVERED);
}

function standingOf(facts: TierFacts, now: number): Standing {
  return {
    bytes: storedBytes(facts),
    heldMs: Math.max(0, now - facts.transitionedAt),
    idleMs: idleMs(facts, now),
  };
}

/** What a choice of classes for stored bytes rests on. */
export function prospectOf(facts: TierFacts, policy: DollarPolicy, now: number): Prospect {
  const known = facts.knownReadsPerDay;
  return {
    forecast: known === undefined ? forecastFrom(memoryOf(facts, now), policy.prior) : knownRate(known),
    horizonMs: known === undefined ? policy.horizonMs : policy.knownHorizonMs,
    waiting: waitingOf(facts),
  };
}

function waitingOf(facts: TierFacts): Prospect['waiting'] {
  return { toleranceMs: facts.restoreToleranceMs ?? 0, usdPerMs: (facts.waitingUsdPerHour ?? 0) / HOUR_MS };
}

/** The past as the facts tell it: the kept memory, else the last 30 days, or the whole idle time where it is longer. */
function memoryOf(facts: TierFacts, now: number): DemandMemory {
  if (facts.memory !== undefined) return facts.memory;
  const ageMs = Math.max(0, now - facts.createdAt);
  const windowMs = Math.min(ageMs, 30 * DAY_MS);
  return { reads: bucketReadsOf(facts).last30Days, exposureMs: Math.max(windowMs, unreadMs(facts, now)) };
}

/** The forecast behind a decision, for people who ask why. */
export function forecastOf(
  facts: TierFacts,
  policy: DollarPolicy,
  now: number,
): { forecast: DemandForecast; horizonMs: number } {
  return prospectOf(facts, policy, now);
}
