import {
  envelopePlan,
  gapBill,
  gapOptimum,
  HOST_SPEEDS,
  hostPlaces,
  missCost,
  type PlaceCosts,
  placeCosts,
  planResidency,
  type Rates,
  RateMixture,
  type ResidencyPlan,
} from '../../lib/placement/index.ts';
import { storageUsd } from '../../lib/placement/bill.ts';
import { hostTierPrice } from '../../lib/pricing/index.ts';
import { GB, HOUR_MS, MIB, MINUTE_MS, SECOND_MS } from '../../lib/shared/units.ts';
import type { BlobUse } from './servingTrace.ts';

/** Dollars of one policy over the whole trace. */
export interface ObjectiveResult {
  readonly policy: string;
  readonly usd: number;
  readonly gpuWaitingUsd: number;
  readonly hostUsd: number;
  readonly objectStoreUsd: number;
  readonly gpuSecondsWaited: number;
  readonly misses: number;
  readonly ratioToBound: number;
}

/**
 * A miss as it was measured in such a service: about 22.7 s for a base model and 4.4 s for a LoRA, which 3.6 s and 240 MiB/s give for
 * the sizes of this trace.
 */
const FETCH = {
  bytesPerSecond: 240 * MIB,
  firstByteMs: 3_600,
  partBytes: 8 * MIB,
  route: 'same-region',
  gpusWaiting: 1,
};

/** How a policy plans the rest of a blob after a use. */
type Planner = (use: BlobUse, costs: readonly PlaceCosts[]) => ResidencyPlan;

/** Compares Strata with fixed rules and with the offline bound on the total of GPU waiting, host tiers and object store. */
export function wholeObjective(uses: readonly BlobUse[], rates: Rates, gpu: string): ObjectiveResult[] {
  const trace = new Trace(uses, rates, gpu);
  const bound = trace.bound();
  const results = [
    trace.run('strata-dollars', learned()),
    trace.run('ski-rental', (_, costs) => envelopePlan(costs)),
    ...FIXED.map(({ name, plan }) => trace.run(name, () => plan)),
    ...LRU_GB.map((gigabytes) => trace.leastRecentlyUsed(gigabytes)),
    trace.bestTimeouts(),
  ];
  return [...results, { policy: 'offline-bound', ...bound }].map((result) => ({
    ...result,
    ratioToBound: result.usd / bound.usd,
  }));
}

function learned(): Planner {
  const mixture = new RateMixture();
  return (use, costs) => {
    mixture.use(use.blob, use.kind, use.at);
    return planResidency(costs, mixture.forecast(use.blob));
  };
}

const ORIGIN = { place: 'origin', untilIdleMs: Number.POSITIVE_INFINITY } as const;

const FIXED: readonly { name: string; plan: ResidencyPlan }[] = [
  { name: 'no-cache', plan: [ORIGIN] },
  { name: 'nvme-always', plan: [{ place: 'nvme', untilIdleMs: 1e15 }, ORIGIN] },
  { name: 'ssd-always', plan: [{ place: 'ssd', untilIdleMs: 1e15 }, ORIGIN] },
  { name: 'nvme-for-1h', plan: [{ place: 'nvme', untilIdleMs: HOUR_MS }, ORIGIN] },
  { name: 'nvme-for-24h', plan: [{ place: 'nvme', untilIdleMs: 24 * HOUR_MS }, ORIGIN] },
];

/** Sizes of an NVMe cache that is rented in full, all the time, as caches with a fixed size are. */
const LRU_GB = [8, 32, 128];

type Total = Omit<ObjectiveResult, 'policy' | 'ratioToBound'>;

class Trace {
  private readonly uses: readonly BlobUse[];
  private readonly costs = new Map<string, PlaceCosts[]>();
  /** The time to the next use of the same blob, or to the end of the trace, where none comes. */
  private readonly gaps: { ms: number; used: boolean }[];
  private readonly storeUsd: number;
  private readonly nvmeUsdPerByteMs: number;

  constructor(uses: readonly BlobUse[], rates: Rates, gpu: string) {
    this.uses = uses;
    const end = uses.at(-1)?.at ?? 0;
    const places = hostPlaces(rates, HOST_SPEEDS);
    const nvme = hostTierPrice(rates.prices, 'nvme');
    this.nvmeUsdPerByteMs = nvme.price.usdPerGbHour / nvme.book.gbBytes / HOUR_MS;
    const nextAt = new Map<string, number>();
    this.gaps = uses.map(() => ({ ms: 0, used: false }));
    let storeUsd = 0;
    for (let index = uses.length - 1; index >= 0; index -= 1) {
      const use = uses[index];
      if (use === undefined) continue;
      const next = nextAt.get(use.blob);
      this.gaps[index] = { ms: (next ?? end) - use.at, used: next !== undefined };
      nextAt.set(use.blob, use.at);
      if (this.costs.has(use.blob)) continue;
      const miss = missCost({ bytes: use.bytes, storageClass: 'INTELLIGENT_TIERING' }, { ...FETCH, gpu }, rates);
      this.costs.set(use.blob, placeCosts(use.bytes, places, gpu, miss, rates));
      storeUsd += storageUsd(rates.of('INTELLIGENT_TIERING'), use.bytes, end - (uses[0]?.at ?? end));
    }
    this.storeUsd = storeUsd;
  }

  run(policy: string, plan: Planner): Omit<ObjectiveResult, 'ratioToBound'> {
    return { policy, ...this.total((use, costs, gap) => gapBill(plan(use, costs), costs, gap.ms, gap.used)) };
  }

  /** The best of many fixed time-outs (RAM, then NVMe, then SSD, then none), chosen with hindsight on this trace. */
  bestTimeouts(): Omit<ObjectiveResult, 'ratioToBound'> {
    const seconds = [0, 10, 30, 120, 600].map((one) => one * SECOND_MS);
    const minutes = [0, 2, 5, 10, 20, 40, 90, 180].map((one) => one * MINUTE_MS);
    let best: Omit<ObjectiveResult, 'ratioToBound'> | undefined;
    for (const ram of seconds) {
      for (const nvme of minutes) {
        for (const ssd of minutes) {
          const plan: ResidencyPlan = [
            { place: 'ram', untilIdleMs: ram },
            { place: 'nvme', untilIdleMs: ram + nvme },
            { place: 'ssd', untilIdleMs: ram + nvme + ssd },
            ORIGIN,
          ];
          const name = `best-fixed-rules (RAM ${ram / SECOND_MS} s, NVMe ${nvme / MINUTE_MS} min, SSD ${ssd / MINUTE_MS} min)`;
          const result = this.run(name, () => plan);
          if (best === undefined || result.usd < best.usd) best = result;
        }
      }
    }
    return best ?? this.run('no-cache', () => [ORIGIN]);
  }

  /** A fixed NVMe cache that evicts what was used least recently. */
  leastRecentlyUsed(gigabytes: number): Omit<ObjectiveResult, 'ratioToBound'> {
    const resident = new Map<string, number>();
    let free = gigabytes * GB;
    const spanMs = (this.uses.at(-1)?.at ?? 0) - (this.uses[0]?.at ?? 0);
    let [gpuWaitingUsd, waitMs, misses] = [0, 0, 0];
    for (const use of this.uses) {
      const costs = this.costs.get(use.blob) ?? [];
      const hit = resident.delete(use.blob);
      const found = costs.find((one) => one.place === (hit ? 'nvme' : 'origin'));
      gpuWaitingUsd += found?.useUsd ?? 0;
      waitMs += found?.useMs ?? 0;
      misses += hit ? 0 : 1;
      if (!hit) free -= use.bytes;
      resident.set(use.blob, use.bytes);
      for (const [blob, bytes] of resident) {
        if (free >= 0) break;
        resident.delete(blob);
        free += bytes;
      }
    }
    const hostUsd = gigabytes * GB * spanMs * this.nvmeUsdPerByteMs;
    const usd = gpuWaitingUsd + hostUsd + this.storeUsd;
    const gpuSecondsWaited = waitMs / SECOND_MS;
    const policy = `lru-nvme-${gigabytes}GB`;
    return { policy, usd, gpuWaitingUsd, hostUsd, objectStoreUsd: this.storeUsd, gpuSecondsWaited, misses };
  }

  bound(): Total {
    return this.total((_, costs, gap) => gapOptimum(costs, gap.ms, gap.used));
  }

  private total(
    bill: (
      use: BlobUse,
      costs: readonly PlaceCosts[],
      gap: { ms: number; used: boolean },
    ) => ReturnType<typeof gapBill>,
  ): Total {
    const seen = new Set<string>();
    let [gpuWaitingUsd, hostUsd, waitMs, misses] = [0, 0, 0, 0];
    this.uses.forEach((use, index) => {
      const costs = this.costs.get(use.blob) ?? [];
      const gap = this.gaps[index] ?? { ms: 0, used: false };
      if (!seen.has(use.blob)) {
        // Nobody can hold a blob before its first use.
        const first = costs.at(-1);
        gpuWaitingUsd += first?.useUsd ?? 0;
        waitMs += first?.useMs ?? 0;
        misses += 1;
        seen.add(use.blob);
      }
      const one = bill(use, costs, gap);
      hostUsd += one.rentUsd;
      gpuWaitingUsd += one.waitUsd;
      waitMs += one.waitMs;
      misses += one.miss ? 1 : 0;
    });
    const usd = gpuWaitingUsd + hostUsd + this.storeUsd;
    return { usd, gpuWaitingUsd, hostUsd, objectStoreUsd: this.storeUsd, gpuSecondsWaited: waitMs / SECOND_MS, misses };
  }
}
