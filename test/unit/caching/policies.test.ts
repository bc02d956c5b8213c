import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cache, NO_GROUP, POLICY_NAMES, parsePolicySpec, ServingCache } from '../../../lib/caching/index.ts';

interface Row {
  readonly object: number;
  readonly bytes: number;
}

const OBJECTS = 24;
const sizedTrace = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: OBJECTS, maxLength: OBJECTS }),
    fc.array(fc.nat({ max: OBJECTS - 1 }), { minLength: 1, maxLength: 300 }),
  )
  .map(([sizes, sequence]): Row[] => sequence.map((object) => ({ object, bytes: sizes[object]! })));
const unitTrace = fc
  .array(fc.nat({ max: OBJECTS - 1 }), { minLength: 1, maxLength: 300 })
  .map((sequence): Row[] => sequence.map((object) => ({ object, bytes: 1 })));

function withNextUse(rows: readonly Row[]): (Row & { nextUse: number; missCost: number; group: number })[] {
  const next = new Map<number, number>();
  return rows
    .map((row, position) => ({ row, position }))
    .toReversed()
    .map(({ row, position }) => {
      const nextUse = next.get(row.object) ?? Number.POSITIVE_INFINITY;
      next.set(row.object, position);
      return { ...row, nextUse, missCost: 1, group: NO_GROUP };
    })
    .toReversed();
}

function cacheOf(policy: string, capacityBytes: number, evictable?: (object: number) => boolean): Cache {
  const limits = { capacityBytes, objects: OBJECTS, seed: 7 };
  return new Cache(parsePolicySpec(policy).create(limits), { ...limits, ...(evictable ? { evictable } : {}) });
}

function outcomes(policy: string, capacityBytes: number, rows: readonly Row[]): string[] {
  const cache = cacheOf(policy, capacityBytes);
  return withNextUse(rows).map((row) => cache.access(row));
}

/** `strata` runs six policies and a learner for each access; `lhd` begins with tables larger than such a trace. */
const runsOf = (policy: string): { numRuns: number } => ({
  numRuns: policy === 'strata' ? 15 : policy === 'lhd' ? 40 : 100,
});

describe.each(POLICY_NAMES)('%s', (policy) => {
  it('never holds more bytes than the capacity, and counts what it holds', () => {
    fc.assert(
      fc.property(sizedTrace, fc.integer({ min: 1, max: 200 }), (rows, capacity) => {
        const cache = cacheOf(policy, capacity);
        const held = new Map<number, number>();
        for (const row of withNextUse(rows)) {
          const outcome = cache.access(row);
          if (outcome === 'miss') held.set(row.object, row.bytes);
          for (const object of held.keys()) if (!cache.has(object)) held.delete(object);
          expect(cache.usedBytes).toBeLessThanOrEqual(capacity);
          expect(cache.usedBytes).toBe(held.values().reduce((sum, bytes) => sum + bytes, 0));
        }
      }),
      runsOf(policy),
    );
  });

  it('never evicts what is pinned, and serves a miss that finds no room without keeping it', () => {
    const pinned = new Set([0, 1, 2, 3, 4, 5]);
    fc.assert(
      fc.property(sizedTrace, fc.integer({ min: 1, max: 120 }), (rows, capacity) => {
        const cache = cacheOf(policy, capacity, (object) => !pinned.has(object));
        const entered = new Set<number>();
        for (const row of withNextUse(rows)) {
          if (cache.access(row) === 'miss' && pinned.has(row.object)) entered.add(row.object);
          for (const object of entered) expect(cache.has(object)).toBe(true);
          expect(cache.usedBytes).toBeLessThanOrEqual(capacity);
        }
      }),
      runsOf(policy),
    );
  });

  it('holds whatever was asked for where it has to, within the capacity, and lets guests go first', () => {
    fc.assert(
      fc.property(sizedTrace, fc.integer({ min: 40, max: 200 }), (rows, capacityBytes) => {
        const limits = { capacityBytes, objects: OBJECTS, seed: 7 };
        const cache = new ServingCache(parsePolicySpec(policy).create(limits), limits);
        for (const [position, row] of withNextUse(rows).entries()) {
          cache.access(row);
          expect(cache.has(row.object)).toBe(true);
          expect(cache.usedBytes).toBeLessThanOrEqual(capacityBytes);
          const guests = Array.from({ length: OBJECTS }, (_, object) => object).filter((object) =>
            cache.isGuest(object),
          );
          if (guests.length > 0) expect(guests).toContain(cache.victim());
          if (position % 7 === 6) cache.left((row.object * 7) % OBJECTS, false);
        }
      }),
      runsOf(policy),
    );
  });

  it('goes on when a number is given to another object', () => {
    fc.assert(
      fc.property(sizedTrace, fc.integer({ min: 40, max: 120 }), (rows, capacityBytes) => {
        const limits = { capacityBytes, objects: OBJECTS, seed: 7 };
        const cache = new Cache(parsePolicySpec(policy).create(limits), limits);
        for (const row of withNextUse(rows)) cache.access(row);
        cache.forget(0);
        expect(cache.has(0)).toBe(false);
        for (const row of withNextUse(rows)) cache.access(row);
        expect(cache.usedBytes).toBeLessThanOrEqual(capacityBytes);
      }),
      runsOf(policy),
    );
  });

  it('survives objects that are deleted from outside', () => {
    fc.assert(
      fc.property(sizedTrace, fc.integer({ min: 1, max: 120 }), fc.nat({ max: 6 }), (rows, capacity, every) => {
        const cache = cacheOf(policy, capacity);
        for (const [position, row] of withNextUse(rows).entries()) {
          if (position % (every + 2) === 0) cache.remove((row.object * 7) % OBJECTS);
          cache.access(row);
          expect(cache.usedBytes).toBeLessThanOrEqual(capacity);
        }
      }),
      runsOf(policy),
    );
  });

  it('repeats its decisions for equal histories and seeds', () => {
    fc.assert(
      fc.property(sizedTrace, fc.integer({ min: 1, max: 120 }), (rows, capacity) => {
        expect(outcomes(policy, capacity, rows)).toEqual(outcomes(policy, capacity, rows));
      }),
      runsOf(policy),
    );
  });

  it('never beats Belady on objects of one size', () => {
    fc.assert(
      fc.property(unitTrace, fc.integer({ min: 1, max: 12 }), (rows, capacity) => {
        const hits = (name: string): number =>
          outcomes(name, capacity, rows).filter((outcome) => outcome === 'hit').length;
        expect(hits(policy)).toBeLessThanOrEqual(hits('belady'));
      }),
      runsOf(policy),
    );
  });
});
