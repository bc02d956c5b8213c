import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileRates,
  type DemandForecast,
  envelopePlan,
  type GapBill,
  gapBill,
  gapOptimum,
  HOST_SPEEDS,
  hostPlaces,
  knownRate,
  missCost,
  type PlaceCosts,
  placeCosts,
  planResidency,
  RateMixture,
  type ResidencyPlan,
} from '../../../lib/placement/index.ts';
import { shippedPriceBook } from '../../../lib/pricing/index.ts';
import { DAY_MS, HOUR_MS, MIB, MINUTE_MS, SECOND_MS } from '../../../lib/shared/units.ts';

const rates = compileRates(shippedPriceBook());
const fetchPath = {
  bytesPerSecond: 240 * MIB,
  firstByteMs: 3_600,
  partBytes: 8 * MIB,
  route: 'same-region',
  gpu: 'H100',
  gpusWaiting: 1,
};

function costsOf(bytes: number): PlaceCosts[] {
  const miss = missCost({ bytes, storageClass: 'STANDARD' }, fetchPath, rates);
  return placeCosts(bytes, hostPlaces(rates, HOST_SPEEDS), 'H100', miss, rates);
}

const usd = (bill: GapBill): number => bill.rentUsd + bill.waitUsd;
const perDay = (readsPerDay: number): DemandForecast => knownRate(readsPerDay);
const minutes = (count: number): DemandForecast => perDay((24 * 60) / count);

/** Expected dollars of a plan by sampling gaps at equal steps of probability. */
function expectedUsd(plan: ResidencyPlan, costs: PlaceCosts[], meanMs: number): number {
  const samples = 4_000;
  let sum = 0;
  for (let index = 0; index < samples; index += 1) {
    sum += usd(gapBill(plan, costs, -Math.log(1 - (index + 0.5) / samples) * meanMs, true));
  }
  return sum / samples;
}

describe('a residency plan', () => {
  it('keeps what is used soon close to the GPU, and what is used rarely nowhere', () => {
    const costs = costsOf(5_000_000_000);
    const first = (forecast: DemandForecast): string | undefined => planResidency(costs, forecast)[0]?.place;
    expect(first(perDay(24 * 60 * 60 * 10))).toBe('gpu');
    expect(first(minutes(0.1))).toBe('ram');
    expect(first(minutes(3))).toBe('nvme');
    expect(first(minutes(20))).toBe('ssd');
    expect(first(perDay(2))).toBe('origin');
  });

  it('is no dearer than staying in any one place, when gaps are as forecast', () => {
    const costs = costsOf(5_000_000_000);
    for (const meanMinutes of [0.2, 2, 8, 30, 120]) {
      const plan = planResidency(costs, minutes(meanMinutes));
      const planned = expectedUsd(plan, costs, meanMinutes * MINUTE_MS);
      for (const { place } of costs) {
        const stay: ResidencyPlan = [{ place, untilIdleMs: Number.POSITIVE_INFINITY }];
        expect(planned).toBeLessThanOrEqual(expectedUsd(stay, costs, meanMinutes * MINUTE_MS) * 1.01);
      }
    }
  });

  it('moves down as the rest grows, when a quick return or none is expected', () => {
    const forecast: DemandForecast = {
      components: [...minutes(1).components, ...perDay(0.001).components].map((one) => ({ ...one, weight: 0.5 })),
    };
    const places = planResidency(costsOf(5_000_000_000), forecast).map((one) => one.place);
    expect(places.length).toBeGreaterThan(1);
    expect(places.at(-1)).toBe('origin');
    const order = ['gpu', 'ram', 'nvme', 'ssd', 'origin'];
    expect(places).toEqual(order.filter((place) => places.some((one) => one === place)));
  });

  const anyCosts = fc
    .array(
      fc.record({
        rent: fc.double({ min: 1e-9, max: 1, noNaN: true }),
        use: fc.double({ min: 0, max: 100, noNaN: true }),
      }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((places): PlaceCosts[] => {
      const names = ['gpu', 'ram', 'nvme', 'ssd'] as const;
      const rents = places.map((one) => one.rent).sort((one, other) => other - one);
      const uses = places.map((one) => one.use).sort((one, other) => one - other);
      const own = rents.map((rentUsdPerMs, index) => ({
        place: names[index] ?? 'ssd',
        rentUsdPerMs,
        useUsd: uses[index] ?? 0,
        useMs: 1,
      }));
      return [...own, { place: 'origin', rentUsdPerMs: 0, useUsd: (uses.at(-1) ?? 0) + 1, useMs: 2 }];
    });

  it('along the lower envelope never costs more than twice the optimum of a gap', () => {
    fc.assert(
      fc.property(anyCosts, fc.double({ min: 0, max: 1e6, noNaN: true }), (costs, gapMs) => {
        const online = usd(gapBill(envelopePlan(costs), costs, gapMs, true));
        expect(online).toBeLessThanOrEqual(2 * usd(gapOptimum(costs, gapMs, true)) + 1e-9);
      }),
      { numRuns: 2_000 },
    );
  });

  it('never beats the optimum of a gap', () => {
    fc.assert(
      fc.property(
        anyCosts,
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.double({ min: 0.01, max: 1e5, noNaN: true }),
        (costs, gapMs, reads) => {
          for (const plan of [envelopePlan(costs), planResidency(costs, perDay(reads))]) {
            for (const used of [true, false]) {
              const optimum = usd(gapOptimum(costs, gapMs, used));
              expect(usd(gapBill(plan, costs, gapMs, used))).toBeGreaterThanOrEqual(optimum - 1e-9);
            }
          }
        },
      ),
    );
  });
});

describe('a mixture of rates', () => {
  it('learns the rate of an object and that others never come back', () => {
    const mixture = new RateMixture();
    let at = 0;
    for (let index = 0; index < 200; index += 1) {
      at += 5 * MINUTE_MS;
      mixture.use('often', 'base', at);
      mixture.use(`once-${index}`, 'lora', at);
    }
    const chance = (object: string, ms: number): number =>
      1 -
      mixture
        .forecast(object)
        .components.reduce(
          (sum, { weight, shape, exposureMs }) => sum + weight * (exposureMs / (exposureMs + ms)) ** shape,
          0,
        );
    expect(chance('often', HOUR_MS)).toBeGreaterThan(0.95);
    expect(chance('often', 5 * SECOND_MS)).toBeLessThan(0.2);
    expect(chance('once-7', 30 * DAY_MS)).toBeLessThan(0.1);
  });

  it('gives weights that add up to one, also for an object that it does not know', () => {
    const mixture = new RateMixture();
    mixture.use('a', 'base', 0);
    mixture.use('a', 'base', 10 * DAY_MS);
    for (const object of ['a', 'unknown']) {
      const sum = mixture.forecast(object).components.reduce((total, one) => total + one.weight, 0);
      expect(sum).toBeCloseTo(1, 3);
    }
  });
});
