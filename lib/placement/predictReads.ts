import { DAY_MS } from '../shared/units.ts';
import { expectedReads, probabilityOfNoRead } from './demand.ts';
import type { DollarPolicy } from './dollarPolicy.ts';
import { forecastOf } from './dollarTier.ts';
import { bucketReadsOf, type TierFacts } from './tierFacts.ts';

/** The reads of the bucket that decisions count with. */
export interface PredictedReads {
  /** `known`: a service level or a retirement says so; `learned`: by past reads; `assumed`: none came yet, only the prior speaks. */
  readonly basis: 'known' | 'learned' | 'assumed';
  readonly next30Days: number;
  /** That any read comes within 30 days, 0 to 1. */
  readonly probability30Days: number;
}

/** What the dollar policy expects of an object's reads, whoever decides its class. */
export function predictReads(facts: TierFacts, policy: DollarPolicy, now: number): PredictedReads {
  const { forecast } = forecastOf(facts, policy, now);
  const learned = bucketReadsOf(facts).lastAt === undefined ? 'assumed' : 'learned';
  return {
    basis: facts.knownReadsPerDay === undefined ? learned : 'known',
    next30Days: expectedReads(forecast, 30 * DAY_MS),
    probability30Days: 1 - probabilityOfNoRead(forecast, 30 * DAY_MS),
  };
}
