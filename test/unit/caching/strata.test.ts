import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type AccessBatch,
  AccessLog,
  Cache,
  type CachePolicy,
  createStrata,
  NO_GROUP,
  type PolicyLimits,
  parsePolicySpec,
  TraceParser,
  TraceSurvey,
  type WholeTrace,
} from '../../../lib/caching/index.ts';
import { BeladySize } from '../../../lib/caching/policies/belady.ts';
import { Fifo } from '../../../lib/caching/policies/fifo.ts';
import { BINS, BoostedTrees, shareOf } from '../../../lib/caching/strata/boostedTrees.ts';
import { StrataPolicy } from '../../../lib/caching/strata/strataPolicy.ts';
import { SeededRandom } from '../../../lib/caching/structures/seededRandom.ts';

const text = gunzipSync(readFileSync(new URL('../../fixtures/traces/genai.csv.gz', import.meta.url))).toString(
  'latin1',
);
const rows = new TraceParser().parse(text.split('\n'));
const limits = { capacityBytes: 12e9, objects: 400, seed: 3 };

function accessAt(row: number): { object: number; bytes: number; missCost: number; group: number; nextUse: number } {
  const bytes = rows.bytes[row]!;
  return { object: rows.object[row]!, bytes, missCost: 1, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY };
}

function wholeTrace(batch: AccessBatch): WholeTrace {
  const survey = new TraceSurvey({ keepSequence: true });
  survey.feed(batch);
  return survey.sequence();
}

function missesOf(policy: CachePolicy, from: number, to: number): number {
  const cache = new Cache(policy, limits);
  let misses = 0;
  for (let row = from; row < to; row += 1) if (cache.access(accessAt(row)) !== 'hit') misses += 1;
  return misses;
}

const create = (name: string): CachePolicy => parsePolicySpec(name).create(limits);

describe('the strata policy on the diffusion cut', () => {
  const strata = missesOf(create('strata'), 0, rows.length);

  it.each(['lru', 'gdsf', 's3-fifo:0.25', 'lhd'])('misses at least a tenth less than %s', (baseline) => {
    expect(strata).toBeLessThan(0.9 * missesOf(create(baseline), 0, rows.length));
  });

  it('goes on after a restart from its log and its disk nearly as if it had never stopped', () => {
    const log = new AccessLog();
    const running = new Cache(create('strata'), limits);
    for (let row = 0; row < 3_000; row += 1) {
      running.access(accessAt(row));
      log.record(`digest-${rows.object[row]}`, accessAt(row));
    }
    const state: unknown = JSON.parse(JSON.stringify(log.toState()));
    const policy = create('strata');
    const objectOf = (key: string) => Number(key.slice('digest-'.length));
    for (const show of AccessLog.fromState(state).showings(policy, objectOf)) show();
    const restarted = new Cache(policy, limits);
    const stored = Array.from({ length: 3_000 }, (_, row) => accessAt(row)).filter(({ object }) => running.has(object));
    for (const access of stored) restarted.access(access);
    const misses = (cache: Cache): number => {
      let count = 0;
      for (let row = 3_000; row < rows.length; row += 1) if (cache.access(accessAt(row)) !== 'hit') count += 1;
      return count;
    };
    expect(misses(restarted)).toBeLessThan(1.05 * misses(running));
  });

  it('knows of a number that was given to another object no more than of one that it never saw', () => {
    const policy = createStrata(limits);
    const cache = new Cache(policy, limits);
    for (let row = 0; row < 2_000; row += 1) cache.access(accessAt(row));
    const busiest = rows.object[1_999]!;
    expect(policy.judgementOf(busiest).uses).toBeGreaterThan(0);
    cache.forget(busiest);
    const { uses, accessesAgo, kept } = policy.judgementOf(399);
    expect(policy.judgementOf(busiest)).toMatchObject({ uses, accessesAgo, kept });
  });

  it('gives up first what the caller insisted on against its advice', () => {
    const policy = create('strata');
    const cache = new Cache(policy, limits);
    for (let row = 0; row < 2_000; row += 1) cache.access(accessAt(row));
    const insisted = { ...accessAt(0), object: 399, bytes: 11.9e9 };
    policy.access(insisted, false);
    policy.entered(insisted);
    expect(policy.victim(() => true)).toBe(399);
  });
});

describe('the lead', () => {
  const { nextUse } = wholeTrace(rows);
  /** The policy with one rival over rows that tell their future, which only an offline rival reads. */
  function follow(rival: (limits: PolicyLimits) => CachePolicy) {
    const policy = new StrataPolicy(limits, { rivals: [rival] });
    const followed = new Cache(policy, limits);
    const alone = new Cache(rival(limits), limits);
    const misses = { inAll: 0, ours: 0, ofRival: 0 };
    for (let row = 0; row < rows.length; row += 1) {
      const access = { ...accessAt(row), nextUse: nextUse[row]! };
      const hits = [followed, alone].map((cache) => cache.access(access) === 'hit');
      if (!hits[0]) misses.inAll += 1;
      if (row < 3_000) continue;
      if (!hits[0]) misses.ours += 1;
      if (!hits[1]) misses.ofRival += 1;
    }
    return { leader: policy.leader, ...misses };
  }

  it('goes to a rival that misses far less, which the cache then follows', () => {
    const { leader, ours, ofRival } = follow((limits) => new BeladySize(limits));
    expect(leader).toBe('belady-size');
    expect(ours).toBeLessThan(1.05 * ofRival);
  });

  const withoutRival = missesOf(new StrataPolicy(limits, { rivals: [] }), 0, rows.length);

  it.each([
    ['more', (limits: PolicyLimits) => new Fifo(limits)],
    ['hardly less', (limits: PolicyLimits) => createStrata(limits)],
  ])('stays with the model where the rival misses %s', (_, rival) => {
    expect(follow(rival)).toMatchObject({ leader: 'model', inAll: withoutRival });
  });
});

describe('the access log', () => {
  it('keeps the latest accesses in order', () => {
    const log = new AccessLog(3);
    for (const object of [1, 2, 3, 4]) log.record(`k${object}`, { ...accessAt(0), object });
    expect(log.toState().accesses.map(([key]) => key)).toEqual(['k2', 'k3', 'k4']);
  });

  it.each([
    null,
    {},
    { schema: 'strata.access-log/v2', accesses: [] },
    { schema: 'strata.access-log/v1', accesses: [['a']] },
  ])('refuses %j, so that the caller starts cold', (state) => {
    expect(() => AccessLog.fromState(state)).toThrow('not an access log');
  });
});

describe('boosted trees', () => {
  const random = new SeededRandom(5);
  const count = 4_000;
  const bins = Uint8Array.from({ length: 2 * count }, () => random.integer(BINS));
  const truth = (row: number): number => (bins[2 * row]! > 15 ? 0.8 : 0.2) + (bins[2 * row + 1]! > 7 ? 0.1 : 0);
  const target = Float64Array.from({ length: count }, (_, row) => truth(row) + 0.1 * (random.fraction() - 0.5));
  const set = { rows: count, features: 2, bins, target };
  const fit = { trees: 60, depth: 3, learningRate: 0.2, minRowsPerLeaf: 20 };
  const error = (trees: BoostedTrees, start?: Float64Array): number => {
    let sum = 0;
    for (let row = 0; row < count; row += 1)
      sum += Math.abs(shareOf(trees.predict(bins, 2 * row) + (start?.[row] ?? 0)) - truth(row));
    return sum / count;
  };

  it('recover a stepped function from noisy samples', () => {
    expect(error(BoostedTrees.fit(set, fit))).toBeLessThan(0.01);
  });

  it('learn only what an earlier model leaves unexplained', () => {
    const start = new Float64Array(count).map((_, row) => Math.log(bins[2 * row]! > 15 ? 4 : 0.25));
    const correction = BoostedTrees.fit({ ...set, start }, { ...fit, trees: 10 });
    expect(error(correction, start)).toBeLessThan(0.02);
  });

  it('predict alike after a round trip through JSON', () => {
    const trees = BoostedTrees.fit(set, fit);
    const restored = BoostedTrees.fromState(JSON.parse(JSON.stringify(trees.toState())));
    for (let row = 0; row < 50; row += 1)
      expect(restored.predict(bins, 2 * row)).toBeCloseTo(trees.predict(bins, 2 * row), 3);
  });
});
