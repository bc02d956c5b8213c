import { describe, expect, it } from 'vitest';
import { HostCaches, ObjectSizes } from '../../../cli/replay/hostCaches.ts';
import { parsePolicySpec, ServingCache } from '../../../lib/caching/index.ts';
import type { AccessRecord } from '../../../lib/placement/index.ts';
import { SECOND_MS } from '../../../lib/shared/units.ts';

const HOUR = 3_600_000;

function record(at: number, object: string, over: Partial<AccessRecord> = {}): AccessRecord {
  return { at, object, op: 'read', objectBytes: 100, readBytes: undefined, host: 'h1', ...over };
}

/** Which of the records reach the store behind caches of 200 bytes. */
function played(records: readonly AccessRecord[], rentUsdPerByteMs?: number) {
  const sizes = new ObjectSizes();
  for (const one of records) sizes.add(one);
  const lru = parsePolicySpec('lru');
  const caches = new HostCaches(sizes, {
    create: (limits) => new ServingCache(lru.create(limits), limits),
    capacityBytes: 200,
    defaultBytes: 0,
    rentUsdPerByteMs,
  });
  const reached = records.filter((one) => caches.reachesStore(one, 0));
  return { reached: reached.map(({ at, object }) => `${object}${at / HOUR}`), tally: caches.tally(), caches };
}

describe('the caches of hosts', () => {
  it('answer what they hold, by least recent use', () => {
    const reads = ['a', 'b', 'a', 'c', 'a', 'b'].map((object, hour) => record(hour * HOUR, object));
    const { reached, tally, caches } = played(reads);
    expect(reached).toEqual(['a0', 'b1', 'c3', 'b5']);
    const missWaitMs = 4 * (0.5 + 100 / 1.5e9) * SECOND_MS;
    expect(tally).toEqual({ hostReads: 6, misses: 4, missWaitMs, rentUsd: 0 });
    expect(caches.missWaitMsOf(0)).toBe(missWaitMs);
    expect(caches.missWaitMsOf(1)).toBe(0);
  });

  it('pay rent for what lies in them, up to the end of the log, each day its own', () => {
    const usdPerByteMs = 1 / (100 * HOUR);
    const kept = [record(0, 'a'), record(36 * HOUR, 'b'), record(48 * HOUR, 'a', { host: 'h2' })];
    const { tally, caches } = played(kept, usdPerByteMs);
    expect(tally.rentUsd).toBeCloseTo(36 + 2 * 12, 9);
    expect(caches.rentUsdOf(0)).toBeCloseTo(24, 9);
    expect(caches.rentUsdOf(1)).toBeCloseTo(12 + 2 * 12, 9);
    const deleted = [record(0, 'a'), record(10 * HOUR, 'a', { op: 'delete' }), record(20 * HOUR, 'b')];
    expect(played(deleted, usdPerByteMs).tally.rentUsd).toBeCloseTo(10, 9);
  });

  it('are one for each host', () => {
    const { reached } = played([record(0, 'a'), record(HOUR, 'a', { host: 'h2' }), record(2 * HOUR, 'a')]);
    expect(reached).toEqual(['a0', 'a1']);
  });

  it('forget what is written or deleted, which always reaches the store', () => {
    const { reached, tally } = played([
      record(0, 'a'),
      record(HOUR, 'a', { op: 'write' }),
      record(2 * HOUR, 'a'),
      record(3 * HOUR, 'a', { op: 'delete' }),
      record(4 * HOUR, 'a'),
    ]);
    expect(reached).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
    expect(tally).toMatchObject({ hostReads: 3, misses: 3 });
  });

  it('read anew what was written or deleted since the last range', () => {
    for (const op of ['write', 'delete'] as const) {
      const { reached, tally } = played([
        record(0, 'a'),
        record(HOUR, 'a', { readBytes: 30 }),
        record(HOUR + 60_000, 'a', { op }),
        record(HOUR + 120_000, 'a', { readBytes: 30 }),
      ]);
      expect(reached, op).toHaveLength(3);
      expect(tally, op).toMatchObject({ hostReads: 3, misses: 2 });
    }
  });

  it('take ranges that follow each other for one read', () => {
    const ranges = [0, 1, 2].map((minute) => record(minute * 60_000, 'a', { readBytes: 30 }));
    const { reached, tally } = played([...ranges, record(HOUR, 'a', { readBytes: 30 })]);
    expect(reached).toHaveLength(3);
    expect(tally).toMatchObject({ hostReads: 2, misses: 1 });
  });
});
