import * as z from 'zod/mini';
import type { Json } from '../shared/canonicalJson.ts';
import { EpochMs, Usd } from '../shared/units.ts';
import { amongChosen, Chosen, chosenAmong } from './classes.ts';
import { decideTier } from './decideTier.ts';
import type { Rates } from './rates.ts';
import { TierFacts } from './tierFacts.ts';
import type { PricedPlace, TierDecision, TierPolicy } from './tierTypes.ts';

const RecordedTier = z.strictObject({ decision: z.literal('tier'), facts: TierFacts, now: EpochMs, classes: Chosen });

/** The inputs of a decision as JSON, for its receipt. */
export function recordTier(facts: TierFacts, now: EpochMs, rates: Rates): Json {
  return { decision: 'tier', facts: { ...facts }, now, ...chosenAmong(rates) };
}

/**
 * Decides once more what a receipt says was decided: the same inputs, policy and prices give the same decision. Undefined when
 * the inputs are not those of a tier decision.
 */
export function replayTier(inputs: string, policy: TierPolicy, rates: Rates): TierDecision | undefined {
  const parsed = RecordedTier.safeParse(JSON.parse(inputs));
  if (!parsed.success) return undefined;
  const { classes, facts, now } = parsed.data;
  return decideTier(facts, policy, amongChosen(rates, classes), now);
}

/** A place as a receipt names it, with its dollars: a month there, and getting there. */
export function receiptAlternative({ action, storageClass, usdPerMonth: month, moveUsd: move, ...one }: PricedPlace) {
  const { earlyDeletionUsd: early } = one;
  return { action: `${action} ${storageClass}`, usd: Usd.parse(month + move + early), parts: { month, move, early } };
}
