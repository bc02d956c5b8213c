import { gpuPrice, HostTier, hostTierPrice } from '../pricing/index.ts';
import { HOUR_MS, MIB, SECOND_MS, type Usd } from '../shared/units.ts';
import { type DemandForecast, expectedRestMs, probabilityOfNoRead } from './demand.ts';
import type { Rates } from './rates.ts';

/** A place on a host where a blob can rest between two uses, or `origin` where it does not. */
export type RestingPlace = HostTier | 'origin';

/** What resting in a place costs per byte, and what the next use costs that finds the blob there. */
export interface Resting {
  readonly place: RestingPlace;
  readonly usdPerByteMs: number;
  readonly bytesPerSecond: number;
  readonly firstByteMs: number;
}

/** How fast the tiers of a host feed its GPU. The defaults are those of PCIe 4 hosts; hosts report their own. */
export interface HostSpeeds {
  readonly tiers: Readonly<Record<HostTier, { readonly bytesPerSecond: number; readonly firstByteMs: number }>>;
}

export const HOST_SPEEDS: HostSpeeds = {
  tiers: {
    gpu: { bytesPerSecond: Number.POSITIVE_INFINITY, firstByteMs: 0 },
    ram: { bytesPerSecond: 20_000 * MIB, firstByteMs: 10 },
    nvme: { bytesPerSecond: 3_000 * MIB, firstByteMs: 50 },
    ssd: { bytesPerSecond: 1_000 * MIB, firstByteMs: 100 },
  },
};

/** The places of a host from the dearest to the cheapest, with prices from the book. Throws `PricingError` where one lacks. */
export function hostPlaces(rates: Rates, speeds: HostSpeeds): Resting[] {
  return HostTier.options.map((place) => {
    const { price, book } = hostTierPrice(rates.prices, place);
    return { place, usdPerByteMs: price.usdPerGbHour / book.gbBytes / HOUR_MS, ...speeds.tiers[place] };
  });
}

/** How long a blob rests where after a use: the first place until its time, then the next, and so on; the last is `origin`. */
export type ResidencyPlan = readonly { readonly place: RestingPlace; readonly untilIdleMs: number }[];

/** Dollars of one blob's places: rent per millisecond, and the wait of a use that finds it there. */
export interface PlaceCosts {
  readonly place: RestingPlace;
  readonly rentUsdPerMs: number;
  readonly useUsd: number;
  readonly useMs: number;
}

/** The places of one blob of this size, `origin` last at the price of a miss. Throws `PricingError` for an unknown GPU. */
export function placeCosts(
  bytes: number,
  places: readonly Resting[],
  gpu: string,
  miss: { readonly ms: number; readonly usd: Usd },
  rates: Rates,
): PlaceCosts[] {
  const gpuUsdPerMs = gpuPrice(rates.prices, gpu).price.usdPerHour / HOUR_MS;
  const own = places.map((one) => {
    const useMs = one.firstByteMs + (bytes / one.bytesPerSecond) * SECOND_MS;
    return { place: one.place, rentUsdPerMs: bytes * one.usdPerByteMs, useUsd: useMs * gpuUsdPerMs, useMs };
  });
  return [...own, { place: 'origin', rentUsdPerMs: 0, useUsd: miss.usd, useMs: miss.ms }];
}

/** Idle times at which a blob may be moved down: 0, 1 s, 2 s, 4 s … 97 days. */
const GRID = [0, ...Array.from({ length: 24 }, (_, power) => SECOND_MS * 2 ** power)];

/**
 * The plan with the least expected dollars of rent and waiting up to the next use, by dynamic programming over idle time × place. A
 * blob only moves down, which is free, since it was read upwards and its lower copies need no transfer.
 */
export function planResidency(costs: readonly PlaceCosts[], forecast: DemandForecast): ResidencyPlan {
  const survival = GRID.map((ms) => probabilityOfNoRead(forecast, ms));
  const rest = GRID.map((ms) => (ms === 0 ? 0 : expectedRestMs(forecast, ms)));
  const last = GRID.length - 1;
  // Beyond the grid only the origin is left.
  let later = costs.map(
    (one) => (survival[last] ?? 0) * (one.place === 'origin' ? one.useUsd : Number.POSITIVE_INFINITY),
  );
  const choices: number[][] = [];
  for (let at = last - 1; at >= 0; at -= 1) {
    const restMs = (rest[at + 1] ?? 0) - (rest[at] ?? 0);
    const used = (survival[at] ?? 0) - (survival[at + 1] ?? 0);
    const here = costs.map((one, index) => one.rentUsdPerMs * restMs + used * one.useUsd + (later[index] ?? 0));
    const best = costs.map(() => costs.length - 1);
    for (let index = costs.length - 2; index >= 0; index -= 1) {
      const below = best[index + 1] ?? index;
      best[index] = (here[index] ?? 0) < (here[below] ?? 0) ? index : below;
    }
    choices.push(best);
    later = best.map((index) => here[index] ?? 0);
  }
  return follow(costs, choices.reverse());
}

function follow(costs: readonly PlaceCosts[], choices: readonly (readonly number[])[]): ResidencyPlan {
  const plan: { place: RestingPlace; untilIdleMs: number }[] = [];
  let index = 0;
  choices.forEach((best, at) => {
    index = best[index] ?? costs.length - 1;
    const place = costs[index]?.place ?? 'origin';
    const untilIdleMs = GRID[at + 1] ?? Number.POSITIVE_INFINITY;
    const previous = plan.at(-1);
    if (previous?.place === place) previous.untilIdleMs = untilIdleMs;
    else plan.push({ place, untilIdleMs });
  });
  if (plan.at(-1)?.place === 'origin') plan.pop();
  plan.push({ place: 'origin', untilIdleMs: Number.POSITIVE_INFINITY });
  return plan;
}

/** Rent by place and the wait of the use that ended the gap; `used` is false where the record ends first. */
export interface GapBill {
  readonly rentUsd: number;
  readonly waitUsd: number;
  readonly waitMs: number;
  readonly miss: boolean;
}

/** What a plan costs when the next use comes after `gapMs`. */
export function gapBill(plan: ResidencyPlan, costs: readonly PlaceCosts[], gapMs: number, used: boolean): GapBill {
  let rentUsd = 0;
  let from = 0;
  for (const { place, untilIdleMs } of plan) {
    const cost = costs.find((one) => one.place === place);
    if (cost === undefined) throw new RangeError(`the plan names ${place}, which has no costs`);
    const until = Math.min(gapMs, untilIdleMs);
    rentUsd += Math.max(0, until - from) * cost.rentUsdPerMs;
    from = Math.max(from, until);
    if (gapMs > untilIdleMs) continue;
    if (!used) return { rentUsd, waitUsd: 0, waitMs: 0, miss: false };
    return { rentUsd, waitUsd: cost.useUsd, waitMs: cost.useMs, miss: place === 'origin' };
  }
  throw new RangeError('a plan must end at the origin');
}

/** The cheapest bill that any plan without prefetch could have had, knowing the gap: one place for all of it. */
export function gapOptimum(costs: readonly PlaceCosts[], gapMs: number, used: boolean): GapBill {
  const bills = costs.map((one) => ({
    rentUsd: gapMs * one.rentUsdPerMs,
    waitUsd: used ? one.useUsd : 0,
    waitMs: used ? one.useMs : 0,
    miss: used && one.place === 'origin',
  }));
  return bills.reduce((best, next) => (next.rentUsd + next.waitUsd < best.rentUsd + best.waitUsd ? next : best));
}

/**
 * Follows the lower envelope of rent × idle time + wait: never more than twice the optimum of a gap, whatever comes (Lotker,
 * Patt-Shamir, Rawitz: Rent, Lease or Buy, 2008).
 */
export function envelopePlan(costs: readonly PlaceCosts[]): ResidencyPlan {
  const plan: { place: RestingPlace; untilIdleMs: number }[] = [];
  let from = 0;
  let index = lowest(costs, 0);
  while (index < costs.length - 1) {
    const here = costs[index];
    if (here === undefined) break;
    let untilIdleMs = Number.POSITIVE_INFINITY;
    let next = costs.length - 1;
    for (let below = index + 1; below < costs.length; below += 1) {
      const there = costs[below];
      if (there === undefined || there.rentUsdPerMs >= here.rentUsdPerMs) continue;
      const crossing = (there.useUsd - here.useUsd) / (here.rentUsdPerMs - there.rentUsdPerMs);
      if (crossing < untilIdleMs) {
        untilIdleMs = Math.max(from, crossing);
        next = below;
      }
    }
    plan.push({ place: here.place, untilIdleMs });
    from = untilIdleMs;
    index = next;
  }
  plan.push({ place: 'origin', untilIdleMs: Number.POSITIVE_INFINITY });
  return plan;
}

function lowest(costs: readonly PlaceCosts[], idleMs: number): number {
  const usd = costs.map((one) => one.rentUsdPerMs * idleMs + one.useUsd);
  return usd.indexOf(Math.min(...usd));
}
