import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileRates,
  decidePlacement,
  HOST_SPEEDS,
  type HostFacts,
  knownRate,
  PLACEMENT_BY_DOLLARS,
  type PlacementFacts,
  SUBSCRIPTIONS,
  subscribes,
} from '../../../lib/placement/index.ts';
import { PricingError, shippedPriceBook } from '../../../lib/pricing/index.ts';
import { Digest, Generation, HostId, ModelName, SemVer } from '../../../lib/shared/ids.ts';
import { Bytes, EpochMs, HOUR_MS } from '../../../lib/shared/units.ts';

const rates = compileRates(shippedPriceBook());
const NOW = EpochMs.parse(1_800_000_000_000);
const WEIGHTS = Digest.parse('a'.repeat(64));
const VAE = Digest.parse('b'.repeat(64));

function host(over: Partial<HostFacts> = {}): HostFacts {
  return {
    id: HostId.parse('host-1'),
    generation: Generation.parse(3),
    state: 'active',
    keepsFetched: true,
    labels: { pool: 'images' },
    subscriptions: ['sdxl-*'],
    capacityBytes: Bytes.parse(2_000_000_000_000),
    freeBytes: Bytes.parse(1_000_000_000_000),
    resident: new Set(),
    filling: new Set(),
    ...over,
  };
}

function facts(hosts: HostFacts[], over: Partial<PlacementFacts> = {}): PlacementFacts {
  return {
    model: ModelName.parse('sdxl-base'),
    version: SemVer.parse('1.0.0'),
    labels: {},
    files: [
      { digest: WEIGHTS, bytes: Bytes.parse(6_000_000_000), kind: 'checkpoints', storageClass: 'STANDARD' },
      { digest: VAE, bytes: Bytes.parse(300_000_000), kind: 'vae', storageClass: 'STANDARD' },
    ],
    hosts,
    ...over,
  };
}

const reasons = (given: PlacementFacts): string[] =>
  decidePlacement(given, SUBSCRIPTIONS, rates, NOW).actions.map((action) => `${action.kind} ${action.reason}`);

describe('the subscription preset', () => {
  it('fetches every file of a version to a subscribed host, once for each distinct blob', () => {
    const given = facts([host()]);
    expect(reasons({ ...given, files: [...given.files, ...given.files] })).toEqual([
      'prefetch subscribed',
      'prefetch subscribed',
    ]);
  });

  it.each([
    ['a draining host', host({ state: 'draining' }), {}, ['none host-not-active', 'none host-not-active']],
    [
      'a host that wants other models',
      host({ subscriptions: ['flux'] }),
      {},
      ['none not-subscribed', 'none not-subscribed'],
    ],
    ['a host of another pool', host(), { labels: { pool: 'video' } }, ['none labels-differ', 'none labels-differ']],
    [
      'a host with one blob already',
      host({ resident: new Set([VAE]) }),
      {},
      ['prefetch subscribed', 'none already-resident'],
    ],
    [
      'a host that fetches one already',
      host({ filling: new Set([WEIGHTS]) }),
      {},
      ['none already-filling', 'prefetch subscribed'],
    ],
    [
      'a host with room for one of two files',
      host({ freeBytes: Bytes.parse(6_100_000_000) }),
      {},
      ['none no-room', 'none no-room'],
    ],
    [
      'a host with room for exactly all',
      host({ freeBytes: Bytes.parse(6_300_000_000) }),
      {},
      ['prefetch subscribed', 'prefetch subscribed'],
    ],
  ] as const)('%s', (_name, one, over, expected) => {
    expect(reasons(facts([one], over))).toEqual(expected);
  });

  it('waits where the source is archived', () => {
    const given = facts([host()]);
    const files = given.files.map((file) => ({ ...file, storageClass: 'GLACIER' as const }));
    expect(reasons({ ...given, files })).toEqual(['none source-archived', 'none source-archived']);
  });

  it('shows the dollars of the fetch against those of a miss', () => {
    const [action] = decidePlacement(facts([host()]), SUBSCRIPTIONS, rates, NOW).actions;
    const gets = Math.ceil(6_000_000_000 / 2 ** 23) * 0.0000004;
    const waitSeconds = 0.1 + 6_000_000_000 / (500 * 2 ** 20);
    expect(action?.usd).toBeCloseTo(gets + 6 * 0.02 * 24, 10);
    expect(action?.alternatives).toEqual([
      { kind: 'prefetch', usd: action?.usd },
      { kind: 'none', usd: expect.closeTo(gets + (waitSeconds / 3600) * 6.88, 10) },
    ]);
  });

  it('refuses to invent a price', () => {
    const policy = { ...SUBSCRIPTIONS, fetch: { ...SUBSCRIPTIONS.fetch, gpu: 'B9000' } };
    expect(() => decidePlacement(facts([host()]), policy, rates, NOW)).toThrow(PricingError);
  });
});

describe('the dollar policy', () => {
  const byDollars = (one: HostFacts, readsPerDay?: number) =>
    decidePlacement(
      facts([one], readsPerDay === undefined ? {} : { demand: new Map([[one.id, knownRate(readsPerDay)]]) }),
      PLACEMENT_BY_DOLLARS,
      rates,
      NOW,
    ).actions;
  const words = (actions: ReturnType<typeof byDollars>): string[] => actions.map((one) => `${one.kind} ${one.reason}`);

  it('places what is wanted often enough to pay for its space, whether the host subscribes or not', () => {
    // A day of NVMe for 6 GB is $2.88, the wait of the first use two cents: it pays where that use comes within 1/150 of a day.
    const often = words(byDollars(host({ subscriptions: [] }), 300));
    expect(often).toEqual(['prefetch expected-saving', 'prefetch expected-saving']);
    expect(words(byDollars(host(), 60))).toEqual(['none no-expected-saving', 'none no-expected-saving']);
  });

  it('saves the wait of the first use, since a host keeps what it has fetched, and costs the rent until then', () => {
    const usd = (one: HostFacts) => {
      const [{ alternatives } = { alternatives: [] }] = byDollars(one, 1_000);
      return (kind: string) => alternatives.find((other) => other.kind === kind)?.usd ?? 0;
    };
    const firstWaits = usd(host());
    const missMs = 100 + (6e9 / (500 * 2 ** 20)) * 1_000;
    const hitMs = HOST_SPEEDS.tiers.nvme.firstByteMs + (6e9 / HOST_SPEEDS.tiers.nvme.bytesPerSecond) * 1_000;
    const waitUsd = ((missMs - hitMs) / HOUR_MS) * 6.88;
    const untilThenUsd = (6 * 0.02 * 24) / 1_000;
    expect(firstWaits('none') - firstWaits('prefetch')).toBeCloseTo(waitUsd - untilThenUsd, 5);
    // Receipts of before.
    const eachWaits = usd(host({ keepsFetched: undefined }));
    expect(eachWaits('prefetch')).toBe(firstWaits('prefetch'));
    expect(eachWaits('none')).toBeGreaterThan(1_000 * waitUsd);
  });

  it('prices the wait by the GPU of the host', () => {
    const wait = (gpu?: string) => byDollars(host({ gpu }), 1_000)[0]?.alternatives[0]?.usd ?? 0;
    expect(wait('L4')).toBeLessThan(wait('H100'));
    expect(wait()).toBe(wait('H100'));
    expect(() => wait('B9000')).toThrow(PricingError);
  });

  it('does nothing without a forecast', () => {
    expect(words(byDollars(host()))).toEqual(['none no-forecast', 'none no-forecast']);
  });

  it('fetches nothing of a version while the host has let go of a part of it, which a subscription does not ask', () => {
    const letGo = host({ paused: new Set([VAE]) });
    expect(words(byDollars(letGo, 1_000))).toEqual(['none evicted-by-host', 'none evicted-by-host']);
    expect(words(byDollars(letGo, 60))).toEqual(['none no-expected-saving', 'none no-expected-saving']);
    expect(words(byDollars(host({ ...letGo, resident: new Set([VAE]) }), 1_000))).toEqual([
      'prefetch expected-saving',
      'none already-resident',
    ]);
    expect(reasons(facts([letGo]))).toEqual(['prefetch subscribed', 'prefetch subscribed']);
  });

  it('chooses the cheaper of the dollars that it shows', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1_000, noNaN: true }), (readsPerDay) => {
        const actions = byDollars(host(), readsPerDay);
        const sum = (kind: string): number =>
          actions.reduce((total, one) => total + (one.alternatives.find((other) => other.kind === kind)?.usd ?? 0), 0);
        expect(actions[0]?.kind).toBe(sum('prefetch') < sum('none') ? 'prefetch' : 'none');
      }),
    );
  });
});

describe('a subscription', () => {
  it('names one model, or all with a prefix', () => {
    expect(subscribes('sdxl', 'sdxl')).toBe(true);
    expect(subscribes('sdxl', 'sdxl-base')).toBe(false);
    expect(subscribes('sdxl-*', 'sdxl-base')).toBe(true);
    expect(subscribes('*', 'anything')).toBe(true);
  });
});
