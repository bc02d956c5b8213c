import { fasterFeeUsd, type Rates, type Waiting } from '../placement/index.ts';
import type { StorageClass } from '../shared/ids.ts';
import type { RestoreTier } from '../shared/ports/objectStore.ts';
import type { EpochMs } from '../shared/units.ts';
import type { RestoreOption } from './decideRestore.ts';

export interface FasterFacts {
  readonly storageClass: StorageClass;
  readonly bytes: number;
  /** The tier under way, and when it ends. */
  readonly tier: RestoreTier;
  readonly endsAt: EpochMs;
  /** What the store did not give, or did not take, of this restore. */
  readonly refused?: RestoreTier | undefined;
  /** From now. */
  readonly waiting: Waiting;
}

export interface FasterChoice {
  readonly chosen: RestoreOption;
  /** What waiting on costs. */
  readonly waitOn: RestoreOption;
  /** The faster tiers. */
  readonly options: readonly RestoreOption[];
}

const SPEED: Readonly<Record<RestoreTier, number>> = { bulk: 0, standard: 1, expedited: 2 };

/**
 * The faster tier that should override a restore under way: of it and of waiting on, what has the least dollars among what ends in time;
 * where nothing does, what ends first. Undefined where waiting on is that.
 */
export function decideFaster(facts: FasterFacts, rates: Rates, now: EpochMs): FasterChoice | undefined {
  const { storageClass, bytes, tier, refused, waiting } = facts;
  const { restores } = rates.of(storageClass);
  const underWay = restores.find((one) => one.tier === tier);
  if (underWay === undefined) return undefined;
  const remainingMs = Math.max(0, facts.endsAt - now);
  const option = (of: RestoreTier, waitMs: number, feeUsd: number): RestoreOption => {
    return { tier: of, waitMs, feeUsd, waitingUsd: waitMs * waiting.usdPerMs, inTime: waitMs <= waiting.toleranceMs };
  };
  const waitOn = option(tier, remainingMs, 0);
  const options = restores
    .filter((one) => bytes <= one.maximumBytes && one.waitMs < remainingMs)
    .filter((one) => SPEED[one.tier] > SPEED[tier] && (refused === undefined || SPEED[one.tier] < SPEED[refused]))
    .map((one) => option(one.tier, one.waitMs, fasterFeeUsd(bytes, underWay, one)));
  const all = [waitOn, ...options];
  const inTime = all.filter((one) => one.inTime);
  const chosen =
    inTime.length > 0
      ? least(inTime, ({ feeUsd, waitingUsd }) => feeUsd + waitingUsd)
      : least(all, ({ waitMs }) => waitMs);
  return chosen === undefined || chosen === waitOn ? undefined : { chosen, waitOn, options };
}

/** The first with the least. */
function least(options: readonly RestoreOption[], of: (option: RestoreOption) => number): RestoreOption | undefined {
  return options.toSorted((one, other) => of(one) - of(other))[0];
}
