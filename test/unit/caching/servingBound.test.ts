import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Access,
  NO_GROUP,
  parsePolicySpec,
  POLICY_NAMES,
  ServingBound,
  ServingCache,
} from '../../../lib/caching/index.ts';

const OBJECTS = 4;
const cases = fc.record({
  bytes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: OBJECTS, maxLength: OBJECTS }),
  costs: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: OBJECTS, maxLength: OBJECTS }),
  capacityBytes: fc.integer({ min: 1, max: 12 }),
  steps: fc.array(
    fc.record({
      object: fc.nat(OBJECTS - 1),
      deleted: fc.nat(9).map((one) => one === 0),
    }),
    { minLength: 1, maxLength: 14 },
  ),
});
type Case = typeof cases extends fc.Arbitrary<infer One> ? One : never;

function accessOf({ bytes, costs }: Case, object: number): Access {
  const known = { bytes: bytes[object] ?? 0, missCost: costs[object] ?? 0 };
  return { object, ...known, group: NO_GROUP, nextUse: Number.POSITIVE_INFINITY };
}

function boundOf(given: Case, rent = 0): number {
  const bound = new ServingBound(given.capacityBytes, rent);
  for (const [at, { object, deleted }] of given.steps.entries()) {
    if (deleted) bound.left(object);
    else bound.access(accessOf(given, object), at);
  }
  return bound.leastCost();
}

function policyCost(given: Case, name: string): number {
  const limits = { capacityBytes: given.capacityBytes, objects: OBJECTS, seed: 1 };
  const cache = new ServingCache(parsePolicySpec(name).create(limits), limits);
  let cost = 0;
  for (const { object, deleted } of given.steps) {
    if (deleted) cache.left(object, false);
    else if (cache.access(accessOf(given, object)) !== 'hit') cost += given.costs[object] ?? 0;
  }
  return cost;
}

/** The least over everything that a cache could keep, as sets of objects by bits, that holds what was asked for last; each byte pays `rent` from step to step. */
function bruteForce(given: Case, rent = 0): number {
  const bytesOf = (set: number): number =>
    given.bytes.reduce((sum, bytes, object) => sum + (set & (1 << object) ? bytes : 0), 0);
  let least = new Map<number, number>([[0, 0]]);
  for (const [at, { object, deleted }] of given.steps.entries()) {
    const bit = 1 << object;
    const lasts = at < given.steps.length - 1 ? rent : 0;
    const next = new Map<number, number>();
    const reach = (set: number, cost: number): void => {
      const usd = cost + lasts * bytesOf(set);
      next.set(set, Math.min(next.get(set) ?? Number.POSITIVE_INFINITY, usd));
    };
    for (const [set, cost] of least) {
      if (deleted) {
        reach(set & ~bit, cost);
        continue;
      }
      const paid = cost + (set & bit ? 0 : (given.costs[object] ?? 0));
      const fits = (given.bytes[object] ?? 0) <= given.capacityBytes;
      for (let kept = 0; kept < 1 << OBJECTS; kept += 1) {
        const subset = (kept & ~(fits ? set | bit : set)) === 0 && (!fits || (kept & bit) !== 0);
        if (subset && bytesOf(kept) <= given.capacityBytes) reach(kept, paid);
      }
    }
    least = next;
  }
  return Math.min(...least.values());
}

const ONLINE = POLICY_NAMES.filter((name) => !parsePolicySpec(name).offline);

describe('the bound on what misses cost', () => {
  it('is never above the best of all that a cache could keep, nor above any policy', () => {
    fc.assert(
      fc.property(cases, fc.constantFrom(...ONLINE), (given, name) => {
        const best = bruteForce(given);
        expect(boundOf(given)).toBeLessThanOrEqual(best + 1e-9);
        expect(policyCost(given, name)).toBeGreaterThanOrEqual(best);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is never above it either where what lies there pays rent, and is more than without', () => {
    let more = 0;
    fc.assert(
      fc.property(cases, fc.constantFrom(0.05, 0.3, 2), (given, rent) => {
        const bound = boundOf(given, rent);
        expect(bound).toBeLessThanOrEqual(bruteForce(given, rent) + 1e-9);
        more += bound > boundOf(given) + 1e-9 ? 1 : 0;
      }),
      { numRuns: 2_000 },
    );
    expect(more).toBeGreaterThan(800);
  });

  it('is the best where everything fits, where nothing does, and where only one object does and none is deleted', () => {
    const tight = fc.tuple(cases, fc.constantFrom('all', 'none', 'one')).map(([given, which]): Case => {
      if (which === 'all') return { ...given, capacityBytes: 20 };
      const alike = { ...given, bytes: given.bytes.map(() => 3) };
      if (which === 'none') return { ...alike, capacityBytes: 2 };
      return { ...alike, capacityBytes: 3, steps: given.steps.map((step) => ({ ...step, deleted: false })) };
    });
    fc.assert(
      fc.property(tight, (given) => {
        expect(boundOf(given)).toBeCloseTo(bruteForce(given), 9);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is close to the exact knapsack', () => {
    fc.assert(
      fc.property(cases, (given) => {
        const [exact, saved] = knapsack(given);
        expect(boundOf(given)).toBeLessThanOrEqual(exact + 1e-9);
        expect(boundOf(given)).toBeGreaterThanOrEqual(exact - 0.011 * saved - 1e-9);
      }),
      { numRuns: 1_000 },
    );
  });
});

/** The least cost by the formula as it stands, every interval for itself; and what is saved. */
function knapsack(given: Case): [least: number, saved: number] {
  const latest = new Map<number, number>();
  const intervals: { byteSteps: number; cost: number }[] = [];
  let [last, room, position, total, saved] = [-1, 0, 0, 0, 0];
  for (const step of given.steps) {
    const { object } = step;
    const [bytes, cost] = [given.bytes[object] ?? 0, given.costs[object] ?? 0];
    if (step.deleted) {
      latest.delete(object);
      if (last === object) last = -1;
      continue;
    }
    if (position > 0) room += given.capacityBytes - (given.bytes[last] ?? 0);
    position += 1;
    total += cost;
    const fits = bytes <= given.capacityBytes;
    last = fits ? object : -1;
    const before = latest.get(object);
    if (fits && before !== undefined) intervals.push({ byteSteps: bytes * (position - before - 1), cost });
    if (fits) latest.set(object, position);
  }
  for (const { byteSteps, cost } of intervals.sort((a, b) => b.cost / b.byteSteps - a.cost / a.byteSteps)) {
    const part = byteSteps <= room ? 1 : room / byteSteps;
    saved += part * cost;
    room = Math.max(0, room - byteSteps);
  }
  return [total - saved, saved];
}
