import { recordedInputs, ServiceLevelRow } from '../catalog/index.ts';
import { type FirstPlace, HOT, type PublishedBytes } from '../ingest/index.ts';
import {
  decideFirst,
  type DollarPolicy,
  firstAlternative,
  type FirstFacts,
  type Rates,
  recordFirst,
} from '../placement/index.ts';
import { PricingError } from '../pricing/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import type { EpochMs } from '../shared/units.ts';
import { TIER_OF } from './decideTransition.ts';
import { inForce } from './policyInForce.ts';
import { policyOf, type SweepSettings } from './sweepSettings.ts';

export interface FirstPlaceDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly settings: SweepSettings;
  readonly rates: () => Promise<Rates>;
}

/**
 * The storage class that bytes are published in: by expected dollars where those are in force and sweeps are on. Otherwise new content starts
 * hot, and so it does where a price is missing: nobody's upload waits for a price book.
 */
export async function firstPlace(deps: FirstPlaceDeps, published: PublishedBytes): Promise<FirstPlace> {
  const { catalog, clock, settings, telemetry } = deps;
  if (settings.tierSweep !== 'on') return HOT;
  const present = await inForce(catalog, settings);
  const policy = present && policyOf(present, present.tierPolicy);
  if (policy?.kind !== 'dollars') return HOT;
  const facts = await factsOf(catalog, published);
  try {
    return byDollars(facts, policy, await deps.rates(), clock.now());
  } catch (error) {
    if (!(error instanceof PricingError)) throw error;
    telemetry.error('first-class-unpriced', error, { digest: published.digest });
    return HOT;
  }
}

async function factsOf(catalog: CatalogStore, { bytes, digest, model }: PublishedBytes): Promise<FirstFacts> {
  const level = model === undefined ? undefined : (await ServiceLevelRow.get(catalog, model))?.value;
  const { readsPerDay, restoreToleranceMs, waitingUsdPerHour } = level ?? {};
  return {
    digest,
    bytes,
    ...(readsPerDay === undefined ? {} : { knownReadsPerDay: readsPerDay }),
    ...(restoreToleranceMs === undefined ? {} : { restoreToleranceMs }),
    ...(waitingUsdPerHour === undefined ? {} : { waitingUsdPerHour }),
  };
}

function byDollars(facts: FirstFacts, policy: DollarPolicy, rates: Rates, now: EpochMs): FirstPlace {
  const { alternatives, reason, storageClass } = decideFirst(facts, policy, rates, now);
  return {
    storageClass,
    tier: TIER_OF[storageClass],
    receipt: {
      reason,
      policy: `${policy.version} ${rates.prices.id}`,
      chosen: `place ${storageClass}`,
      alternatives: alternatives.map(firstAlternative),
      ...recordedInputs(recordFirst(facts, now, rates)),
      decidedAt: now,
    },
  };
}
