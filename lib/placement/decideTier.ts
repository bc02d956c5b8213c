import { Usd, type EpochMs } from '../shared/units.ts';
import { chooseByDollars, type DollarChoice } from './dollarTier.ts';
import { chooseByLifecycle } from './lifecycleTier.ts';
import type { Rates } from './rates.ts';
import { chooseByRules, type RuleChoice } from './ruleTier.ts';
import { tierAlternatives } from './tierAlternatives.ts';
import { freeMoveAt, type TierFacts } from './tierFacts.ts';
import type { TierChoice, TierDecision, TierPolicy } from './tierTypes.ts';

/**
 * Decides the storage class of one object, and whether it lies there packed, with the dollars of every alternative. Throws `PricingError`
 * where the price book lacks a class. Deterministic: the same facts, policy, rates and time give the same decision.
 */
export function decideTier(facts: TierFacts, policy: TierPolicy, rates: Rates, now: EpochMs): TierDecision {
  const needsRestore = !rates.of(facts.storageClass).instant;
  const choice = choose(facts, policy, rates, now);
  const { judged, outlooks, riskUsd } = choice;
  const into = choice.action === 'keep' ? facts.storageClass : choice.to;
  const explained = {
    digest: facts.digest,
    from: facts.storageClass,
    policyVersion: policy.version,
    freeMoveAt: freeMoveAt(facts, rates),
    alternatives: tierAlternatives(facts, into, rates, now, outlooks),
    ...(choice.notPacked === undefined ? {} : { notPacked: choice.notPacked }),
    ...(choice.missing === undefined ? {} : { missing: choice.missing }),
    ...(riskUsd === undefined ? {} : { riskUsd: Usd.parse(riskUsd) }),
    ...(judged === undefined ? {} : { temperature: judged.temperature, temperatureReason: judged.reason }),
  };
  switch (choice.action) {
    case 'keep':
      return { ...explained, action: 'keep', reason: choice.reason };
    case 'pack': {
      const { to, reason, belowRatio } = choice;
      const saving = facts.packing === undefined ? 0 : 1 - facts.packing.bytes / facts.bytes;
      return { ...explained, action: 'pack', to, reason, needsRestore: false, saving, risk: 'none', belowRatio };
    }
    case 'transition':
      return { ...explained, action: 'transition', to: choice.to, reason: choice.reason, needsRestore };
    case 'unpack':
      return { ...explained, action: 'unpack', to: choice.to, reason: choice.reason, needsRestore };
  }
}

function choose(
  facts: TierFacts,
  policy: TierPolicy,
  rates: Rates,
  now: EpochMs,
): TierChoice & Partial<Omit<RuleChoice & DollarChoice, keyof TierChoice>> {
  switch (policy.kind) {
    case 'rules':
      return chooseByRules(facts, policy, rates, now);
    case 'dollars':
      return chooseByDollars(facts, policy, rates, now);
    case 'lifecycle':
      return chooseByLifecycle(facts, policy, rates, now);
  }
}
