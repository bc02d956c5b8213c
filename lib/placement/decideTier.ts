import { StorageClass } from '../shared/ids.ts';
import { EpochMs, MONTH_MS, Usd } from '../shared/units.ts';
import { earlyDeletionUsd, idleMonthUsd, moveUsd, readUsd } from './bill.ts';
import { type ClassOutlook, type DollarPolicy, outlookUsd } from './dollarPolicy.ts';
import { knownRate } from './demand.ts';
import { chooseByDollars } from './dollarTier.ts';
import type { ClassRates, Rates } from './rates.ts';
import { chooseRestore } from './restore.ts';
import type { TierFacts } from './tierFacts.ts';
import { storageWithReadsUsd } from './storageWithReads.ts';
import { type Temperature, type TemperatureReason, type TierRules, temperature } from './tierRules.ts';

const YEAR_MS = 12 * MONTH_MS;

export type TierPolicy = TierRules | DollarPolicy;

/** Why nothing moves although the policy might want to. */
export type TierKeepReason =
  | 'already-there'
  | 'held'
  /** Rules: the object leaves for a cheaper class only when its minimum duration is over: until then both would be billed. */
  | 'minimum-duration'
  /** Rules: the class bills a minimum size that makes this object dearer there. */
  | 'below-class-minimum'
  /** Dollars: no class is expected to cost less, moving included. */
  | 'no-cheaper-class'
  /** Dollars: a class is expected to cost less, but what could be lost by it is not covered. */
  | 'allowance-spent';

export type TierMoveReason =
  | TemperatureReason
  /** Rules: they would archive it, but no restore from there ends in the time that was promised: it is kept cold instead. */
  | 'restore-too-slow'
  /** Dollars: the class with the least expected dollars, moving included. */
  | 'cheaper'
  /** Dollars: what staying out of Intelligent-Tiering on a learned forecast may still lose is not covered any more. */
  | 'risk-ended';

/** One class that the object could be in, with what it costs. */
export interface TierAlternative {
  readonly action: 'keep' | 'transition';
  readonly storageClass: StorageClass;
  /** Storage and reads of a month, the mean of the coming year at the read rate of the last 30 days. */
  readonly usdPerMonth: Usd;
  /** Requests and retrieval of moving there now. */
  readonly moveUsd: Usd;
  /** What the class left behind still charges. */
  readonly earlyDeletionUsd: Usd;
  /** A restore must end before the object can move. */
  readonly needsRestore: boolean;
  /** Dollars until the next read or the horizon, which the dollar policy compares; absent where the class breaks the promise. */
  readonly outlook?: ClassOutlook | undefined;
}

interface Explained {
  readonly digest: TierFacts['digest'];
  readonly from: StorageClass;
  readonly policyVersion: string;
  /** Rules only: what the object is taken for, and why. */
  readonly temperature?: Temperature;
  readonly temperatureReason?: TemperatureReason;
  /** When the object can leave its class without an early-deletion charge. */
  readonly freeMoveAt: EpochMs;
  /** Dollars: what must be reserved for the decision, where it rests on a learned forecast and not on Intelligent-Tiering. */
  readonly riskUsd?: Usd;
  /** The present class comes first, the others in the order of what the policy compares. */
  readonly alternatives: readonly TierAlternative[];
}

export type TierDecision =
  | (Explained & { readonly action: 'keep'; readonly reason: TierKeepReason })
  | (Explained & {
      readonly action: 'transition';
      readonly to: StorageClass;
      readonly reason: TierMoveReason;
      /** The object is archived: a restore must end before it can be copied. */
      readonly needsRestore: boolean;
    });

/**
 * Decides the storage class of one object, with the dollars of every alternative. Throws `PricingError` where the price book lacks a
 * class. Deterministic: the same facts, policy, rates and time give the same decision.
 */
export function decideTier(facts: TierFacts, policy: TierPolicy, rates: Rates, now: EpochMs): TierDecision {
  const needsRestore = !rates.of(facts.storageClass).instant;
  const choice =
    policy.kind === 'rules' ? chooseByRules(facts, policy, rates, now) : chooseByDollars(facts, policy, rates, now);
  const explained: Explained = {
    digest: facts.digest,
    from: facts.storageClass,
    policyVersion: policy.version,
    freeMoveAt: freeMoveAt(facts, rates),
    alternatives: tierAlternatives(facts, rates, now, 'outlooks' in choice ? choice.outlooks : undefined),
    ...('riskUsd' in choice && choice.riskUsd !== undefined ? { riskUsd: Usd.parse(choice.riskUsd) } : {}),
    ...('judged' in choice ? { temperature: choice.judged.temperature, temperatureReason: choice.judged.reason } : {}),
  };
  return choice.to === undefined
    ? { ...explained, action: 'keep', reason: choice.reason }
    : { ...explained, action: 'transition', to: choice.to, reason: choice.reason, needsRestore };
}

type RuleChoice = { readonly judged: ReturnType<typeof temperature> } & (
  | { readonly to: undefined; readonly reason: TierKeepReason }
  | { readonly to: StorageClass; readonly reason: TierMoveReason }
);

function chooseByRules(facts: TierFacts, rules: TierRules, rates: Rates, now: number): RuleChoice {
  const judged = temperature(facts, rules, now);
  const wanted = rules.classes[judged.temperature];
  const kept = keepsPromise(facts, rates.of(wanted));
  const to = kept ? wanted : rules.classes.cold;
  const keep = keepReason(facts, to, rates, now);
  if (keep !== undefined) return { judged, to: undefined, reason: keep };
  return { judged, to, reason: kept ? judged.reason : 'restore-too-slow' };
}

/** Rules: where nothing was promised, every class will do. */
function keepsPromise({ restoreToleranceMs, bytes }: TierFacts, there: ClassRates): boolean {
  if (there.instant || restoreToleranceMs === undefined) return true;
  return chooseRestore(there, bytes, { toleranceMs: restoreToleranceMs, usdPerMs: 0 }) !== undefined;
}

function keepReason(facts: TierFacts, to: StorageClass, rates: Rates, now: number): TierKeepReason | undefined {
  if (to === facts.storageClass) return 'already-there';
  if (facts.heldBy !== undefined) return 'held';
  const there = idleMonthUsd(rates.of(to), facts.bytes);
  const here = idleMonthUsd(rates.of(facts.storageClass), facts.bytes);
  const colder = rates.of(to).usdPerByteMs < rates.of(facts.storageClass).usdPerByteMs;
  if (!colder) return undefined;
  if (there >= here) return 'below-class-minimum';
  return now < freeMoveAt(facts, rates) ? 'minimum-duration' : undefined;
}

/** The end of the minimum duration of the class that the object is in. */
export function freeMoveAt(facts: Pick<TierFacts, 'storageClass' | 'transitionedAt'>, rates: Rates): EpochMs {
  return EpochMs.parse(facts.transitionedAt + rates.of(facts.storageClass).minimumMs);
}

/** What leaving the class now would charge for storage that was promised and not used. */
export function liabilityUsd(facts: TierFacts, rates: Rates, now: number): Usd {
  const heldMs = Math.max(0, now - facts.transitionedAt);
  return Usd.parse(earlyDeletionUsd(rates.of(facts.storageClass), facts.bytes, heldMs));
}

function tierAlternatives(
  facts: TierFacts,
  rates: Rates,
  now: number,
  outlooks: ReadonlyMap<StorageClass, ClassOutlook> | undefined,
): TierAlternative[] {
  const from = rates.of(facts.storageClass);
  const idleMs = Math.max(0, now - Math.max(facts.lastAccessAt ?? facts.createdAt, facts.transitionedAt));
  const liability = liabilityUsd(facts, rates, now);
  const reads = knownRate(facts.accessesLast30Days / 30);
  const alternatives = StorageClass.options.map((storageClass): TierAlternative => {
    const to = rates.of(storageClass);
    const stays = storageClass === facts.storageClass;
    const yearUsd = storageWithReadsUsd(to, facts.bytes, stays ? idleMs : 0, reads, YEAR_MS);
    const monthUsd = yearUsd / 12 + facts.accessesLast30Days * readUsd(to, facts.bytes);
    return {
      action: stays ? 'keep' : 'transition',
      storageClass,
      usdPerMonth: Usd.parse(monthUsd),
      moveUsd: Usd.parse(stays ? 0 : moveUsd(from, to, facts.bytes, 'copy')),
      earlyDeletionUsd: stays ? Usd.parse(0) : liability,
      needsRestore: !stays && !from.instant,
      outlook: outlooks?.get(storageClass),
    };
  });
  return alternatives.sort((one, other) => rank(one, outlooks !== undefined) - rank(other, outlooks !== undefined));
}

function rank(one: TierAlternative, byOutlook: boolean): number {
  if (one.action === 'keep') return -1;
  if (!byOutlook) return one.usdPerMonth;
  return one.outlook === undefined ? Number.MAX_VALUE : outlookUsd(one.outlook) + one.moveUsd + one.earlyDeletionUsd;
}
