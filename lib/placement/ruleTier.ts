import { decideCompressionByRule } from '../compression/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { TierRules } from '../shared/tierSettings.ts';
import { DAY_MS } from '../shared/units.ts';
import { idleMonthUsd } from './bill.ts';
import { classInstead } from './classes.ts';
import { type PackCandidate, type PackingFacts, plainReason, readsCostMore } from './packing.ts';
import { breaksPromise, keepsPromise, unpackingMs } from './promise.ts';
import type { Rates } from './rates.ts';
import { freeMoveAt, storedBytes, type TierFacts } from './tierFacts.ts';
import { temperature } from './tierRules.ts';
import type { NotPackedReason, TierChoice, TierKeepReason } from './tierTypes.ts';

export type RuleChoice = TierChoice & { readonly judged: ReturnType<typeof temperature> };

/** Chooses by the rule preset. Where nothing was promised, every class will do, and so will a packed object. */
export function chooseByRules(facts: TierFacts, rules: TierRules, rates: Rates, now: number): RuleChoice {
  const judged = temperature(facts, rules, now);
  const [named, cold] = [rules.classes[judged.temperature], classInstead(rules.classes.cold, rates)];
  const wanted = classInstead(named, rates);
  const missing = named === wanted ? {} : { missing: named };
  const kept = keepsPromise(facts, storedBytes(facts), rates.of(wanted), unpackingMs(facts));
  const to = kept ? wanted : cold;
  const { packing } = facts;
  const plainTo = keepsPromise(facts, facts.bytes, rates.of(wanted), 0) ? wanted : cold;
  // What was unpacked is read back before it counts.
  const unpackTo = rates.of(plainTo).instant ? plainTo : cold;
  const unpacked = packing?.packed === true ? unpackByRules(facts, unpackTo, judged.reason, rates) : undefined;
  if (unpacked !== undefined) return { judged, ...missing, ...unpacked };
  const keep = keepReason(facts, to, rates, now);
  const readAgain = judged.reason === 'read-daily' || judged.reason === 'read-weekly';
  const broken = !readAgain && breaksPromise(facts, rates);
  const reason = kept && !broken ? judged.reason : 'restore-too-slow';
  const choice: TierChoice =
    keep === undefined ? { action: 'transition', to, reason } : { action: 'keep', reason: keep };
  if (packing === undefined || packing.packed) return { judged, ...missing, ...choice };
  const into = choice.action === 'transition' ? choice.to : facts.storageClass;
  const notPacked = notPackedByRules(facts, packing, into, rules, rates, now);
  if (notPacked !== undefined) return { judged, ...missing, ...choice, notPacked };
  return { judged, ...missing, action: 'pack', to: into, reason: 'compressible', belowRatio: packing.terms.belowRatio };
}

function keepReason(facts: TierFacts, to: StorageClass, rates: Rates, now: number): TierKeepReason | undefined {
  if (to === facts.storageClass) return 'already-there';
  if (facts.heldBy !== undefined) return 'held';
  const bytes = storedBytes(facts);
  const there = idleMonthUsd(rates.of(to), bytes);
  const here = idleMonthUsd(rates.of(facts.storageClass), bytes);
  const colder = rates.of(to).usdPerByteMs < rates.of(facts.storageClass).usdPerByteMs;
  if (!colder) return undefined;
  if (there >= here) return 'below-class-minimum';
  return now < freeMoveAt(facts, rates) ? 'minimum-duration' : undefined;
}

type Packable = PackCandidate &
  Pick<TierFacts, 'restoreToleranceMs' | 'storageClass'> & {
    readonly createdAt: number;
    readonly transitionedAt: number;
  };

/** Requirement L1, for what nobody has read for long: the preset packs what its guards allow and what gets much smaller. */
export function notPackedByRules(
  facts: Packable,
  packing: PackingFacts,
  into: StorageClass,
  rules: TierRules,
  rates: Rates,
  now: number,
): NotPackedReason | undefined {
  const from = rates.of(facts.storageClass);
  const guarded = plainReason(facts, packing, from, facts.restoreToleranceMs ?? Number.POSITIVE_INFINITY, now);
  if (guarded !== undefined) return guarded;
  // What was packed is read back before it counts.
  if (!rates.of(into).instant) return 'archived';
  if (now - (facts.lastAccessAt ?? facts.createdAt) < rules.packIdleDays * DAY_MS) return 'not-idle';
  const { action, reason } = decideCompressionByRule(
    { bytes: facts.bytes, ratio: packing.bytes / facts.bytes },
    packing.terms,
  );
  if (action === 'keep') return reason === 'small' ? 'small' : 'hardly-smaller';
  if (into === facts.storageClass && now < facts.transitionedAt + from.minimumMs) return 'minimum-duration';
  return readsCostMore(from, rates.of(into), facts.bytes, packing) ? 'costs-more' : undefined;
}

/** What is packed is unpacked when it is read often again, or when its readers were promised less. */
function unpackByRules(
  facts: TierFacts,
  to: StorageClass,
  reason: ReturnType<typeof temperature>['reason'],
  rates: Rates,
): TierChoice | undefined {
  if (facts.heldBy !== undefined) return undefined;
  if (reason === 'read-daily' || reason === 'read-weekly') return { action: 'unpack', to, reason };
  if (!breaksPromise(facts, rates)) return undefined;
  return { action: 'unpack', to, reason: 'promise' };
}
