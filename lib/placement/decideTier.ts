import type { StorageClass } from '../shared/ids.ts';
import { EpochMs, Usd } from '../shared/units.ts';
import { earlyDeletionUsd, idleMonthUsd, moveUsd, readUsd } from './bill.ts';
import type { Rates } from './rates.ts';
import type { TierFacts } from './tierFacts.ts';
import { type Temperature, type TemperatureReason, type TierRules, temperature } from './tierRules.ts';

/** Why nothing moves although the rules name another class. */
export type TierKeepReason =
  | 'already-there'
  | 'held'
  /** The object leaves for a cheaper class only when its minimum duration is over: until then both would be billed. */
  | 'minimum-duration'
  /** The class bills a minimum size that makes this object dearer there. */
  | 'below-class-minimum';

/** One class that the object could be in, with what it costs. */
export interface TierAlternative {
  readonly action: 'keep' | 'transition';
  readonly storageClass: StorageClass;
  /** Storage and expected reads of one month, at the read rate of the last 30 days. */
  readonly usdPerMonth: Usd;
  /** Requests and retrieval of moving there now. */
  readonly moveUsd: Usd;
  /** What the class left behind still charges. */
  readonly earlyDeletionUsd: Usd;
  /** A restore must end before the object can move. */
  readonly needsRestore: boolean;
}

interface Explained {
  readonly digest: TierFacts['digest'];
  readonly from: StorageClass;
  readonly temperature: Temperature;
  readonly temperatureReason: TemperatureReason;
  readonly policyVersion: string;
  /** When the object can leave its class without an early-deletion charge. */
  readonly freeMoveAt: EpochMs;
  /** Where it stays comes first, the rest in the order of the monthly cost. */
  readonly alternatives: readonly TierAlternative[];
}

export type TierDecision =
  | (Explained & { readonly action: 'keep'; readonly reason: TierKeepReason })
  | (Explained & {
      readonly action: 'transition';
      readonly to: StorageClass;
      readonly reason: TemperatureReason;
      /** The object is archived: a restore must end before it can be copied. */
      readonly needsRestore: boolean;
    });

/** The classes that the rules choose from and are compared with. */
const CANDIDATES: readonly StorageClass[] = [
  'STANDARD',
  'INTELLIGENT_TIERING',
  'STANDARD_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
];

/**
 * Decides the storage class of one object by the rules, with the dollars of every alternative. Throws `PricingError` where the
 * price book lacks a class. Deterministic: the same facts, rules, rates and time give the same decision.
 */
export function decideTier(facts: TierFacts, rules: TierRules, rates: Rates, now: EpochMs): TierDecision {
  const judged = temperature(facts, rules, now);
  const to = rules.classes[judged.temperature];
  const explained: Explained = {
    digest: facts.digest,
    from: facts.storageClass,
    temperature: judged.temperature,
    temperatureReason: judged.reason,
    policyVersion: rules.version,
    freeMoveAt: freeMoveAt(facts, rates),
    alternatives: tierAlternatives(facts, rates, now),
  };
  const keep = keepReason(facts, to, rates, now);
  if (keep !== undefined) return { ...explained, action: 'keep', reason: keep };
  const needsRestore = !rates.of(facts.storageClass).instant;
  return { ...explained, action: 'transition', to, reason: judged.reason, needsRestore };
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
  const end = facts.transitionedAt + rates.of(facts.storageClass).minimumMs;
  return EpochMs.parse(end);
}

/** Every class with its dollars for this object; `decideTier` shows them and `strata explain` prints them. */
export function tierAlternatives(facts: TierFacts, rates: Rates, now: number): TierAlternative[] {
  const from = rates.of(facts.storageClass);
  const idleMs = Math.max(0, now - Math.max(facts.lastAccessAt ?? facts.createdAt, facts.transitionedAt));
  const liability = earlyDeletionUsd(from, facts.bytes, Math.max(0, now - facts.transitionedAt));
  const alternatives = CANDIDATES.map((storageClass): TierAlternative => {
    const to = rates.of(storageClass);
    const stays = storageClass === facts.storageClass;
    return {
      action: stays ? 'keep' : 'transition',
      storageClass,
      usdPerMonth: Usd.parse(
        idleMonthUsd(to, facts.bytes, stays ? idleMs : 0) + facts.accessesLast30Days * readUsd(to, facts.bytes),
      ),
      moveUsd: Usd.parse(stays ? 0 : moveUsd(from, to, facts.bytes, 'copy')),
      earlyDeletionUsd: Usd.parse(stays ? 0 : liability),
      needsRestore: !stays && !from.instant,
    };
  });
  const rank = (one: TierAlternative): number => (one.action === 'keep' ? -1 : one.usdPerMonth);
  return alternatives.sort((one, other) => rank(one) - rank(other));
}
