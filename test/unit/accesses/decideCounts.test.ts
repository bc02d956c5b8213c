import { describe, expect, it } from 'vitest';
import { AccessesReported } from '../../../events/accesses-reported/v1.ts';
import { AccessMonthValue } from '../../../lib/catalog/index.ts';
import { addCounts, decideCounts, summarizeAccesses } from '../../../lib/accesses/index.ts';
import { EpochMs } from '../../../lib/shared/units.ts';

const NOW = EpochMs.parse(Date.UTC(2026, 2, 1, 12));
const digest = 'a'.repeat(64);

const accesses = (...list: readonly [day: string, count: number, lastAt?: number][]) =>
  AccessesReported.parse({
    schema: 'accesses-reported/1',
    batchId: 'b',
    host: 'gpu-a',
    generation: 1,
    accesses: list.map(([day, count, lastAt = 5]) => ({ digest, day, count, lastAt, hits: 1 })),
  }).accesses;

describe('a batch of accesses', () => {
  it('is sorted into months, days added up', () => {
    const { months } = decideCounts(accesses(['2026-03-01', 2], ['2026-02-28', 3, 9], ['2026-02-28', 4, 7]), NOW);
    expect(months).toEqual([
      { digest, month: '2026-03', days: { '01': 2 }, misses: { '01': 1 }, hits: 1, lastAt: 5, lastMissAt: 5 },
      { digest, month: '2026-02', days: { '28': 7 }, misses: { '28': 5 }, hits: 2, lastAt: 9, lastMissAt: 9 },
    ]);
  });

  it('reads the bucket only where a copy on the host did not answer', () => {
    const [hit] = decideCounts(accesses(['2026-03-01', 1, 7]), NOW).months;
    expect(hit).toEqual({ digest, month: '2026-03', days: { '01': 1 }, misses: {}, hits: 1, lastAt: 7 });
    const missed = decideCounts(accesses(['2026-03-01', 2, 5], ['2026-03-01', 1, 7]), NOW).months[0];
    expect(missed).toMatchObject({ days: { '01': 3 }, misses: { '01': 1 }, lastAt: 7, lastMissAt: 5 });
  });

  it.each([
    ['today', '2026-03-01', 'counted'],
    ['tomorrow, by a clock that is ahead', '2026-03-02', 'counted'],
    ['the day after tomorrow', '2026-03-03', 'implausible-day'],
    ['five weeks ago', '2026-01-26', 'counted'],
    ['longer ago', '2026-01-24', 'implausible-day'],
    ['no day', '2026-02-31x'.slice(0, 10).replace('31', '99'), 'implausible-day'],
  ])('of %s', (_name, day, reason) => {
    expect(decideCounts(accesses([day, 1]), NOW).reasons).toEqual([reason]);
  });

  it('never claims an access later than now', () => {
    const { months } = decideCounts(accesses(['2026-03-01', 1, NOW + 3_600_000]), NOW);
    expect(months[0]?.lastAt).toBe(NOW);
  });

  it('adds to what the month has', () => {
    const [count] = decideCounts(accesses(['2026-03-01', 2, 50]), NOW).months;
    const first = addCounts(undefined, count!, 3);
    expect(first).toEqual({
      digest,
      shard: 3,
      month: '2026-03',
      days: { '01': 2 },
      misses: { '01': 1 },
      hits: 1,
      lastAt: 50,
      lastMissAt: 50,
    });
    expect(addCounts({ ...first, lastAt: EpochMs.parse(60) }, count!, 3)).toMatchObject({
      days: { '01': 4 },
      misses: { '01': 2 },
      hits: 2,
      lastAt: 60,
      lastMissAt: 50,
    });
  });

  it('adds to a row that did not tell the reads of the bucket by day, but its hits', () => {
    const old = AccessMonthValue.parse({ digest, shard: 3, month: '2026-03', days: { '01': 7 }, hits: 6, lastAt: 9 });
    const [hit] = decideCounts(accesses(['2026-03-01', 1, 50]), NOW).months;
    expect(addCounts(old, hit!, 3)).toEqual({
      ...old,
      days: { '01': 8 },
      misses: { '01': 1 },
      hits: 7,
      lastAt: 50,
      lastMissAt: 9,
    });
  });
});

describe('the use of a blob', () => {
  const row = (month: string, days: Record<string, number>, lastAt: number, shard = 0, misses?: object) =>
    AccessMonthValue.parse({ digest, shard, month, days, hits: 0, lastAt, ...misses });

  it('is the last 30 days with today, over months and shards', () => {
    const rows = [
      row('2026-03', { '01': 1 }, 30),
      row('2026-02', { '01': 10, '28': 100 }, 20, 1),
      row('2026-01', { '30': 1000, '31': 10_000 }, 10),
    ];
    // 1 March, noon, less 30 days is 30 January, noon: that day began before.
    const { days, ...summary } = summarizeAccesses(rows, NOW);
    expect(summary).toMatchObject({ accessesLast30Days: 10_111, lastAccessAt: 30 });
    expect(days.map(({ at, reads }) => [new Date(at).toISOString().slice(0, 13), reads])).toEqual([
      ['2026-01-30T12', 1000],
      ['2026-01-31T12', 10_000],
      ['2026-02-01T12', 10],
      ['2026-02-28T12', 100],
      ['2026-03-01T12', 1],
    ]);
  });

  it('is nothing where nothing was counted', () => {
    expect(summarizeAccesses([], NOW)).toEqual({
      accessesLast30Days: 0,
      lastAccessAt: undefined,
      days: [],
      bucketReads: { last30Days: 0 },
      bucketDays: [],
    });
  });

  it.each([
    ['no hits', 0, [3, 197], 40],
    ['hits', 190, [1, 10], 40],
    ['nothing but hits', 200, [], undefined],
    ['more hits than accesses', 201, [], undefined],
  ])(
    'takes each day of a row with %s that did not tell the reads of the bucket by its part of them',
    (_of, hits, reads, lastAt) => {
      const older = row('2026-02', { '10': 3, '20': 197 }, 40, 0, { hits });
      const { bucketDays, bucketReads } = summarizeAccesses([older], NOW);
      expect(bucketDays.map((day) => day.reads)).toEqual(reads);
      expect(bucketReads.lastAt).toBe(lastAt);
    },
  );

  it('tells the reads of the bucket apart; of rows that told no hits, every access is one', () => {
    const told = row('2026-02', { '10': 7, '20': 5 }, 20, 0, { misses: { '10': 2 }, lastMissAt: 15 });
    const onlyHits = row('2026-02', { '25': 9 }, 40, 1, { misses: {} });
    const summary = summarizeAccesses([told, onlyHits], NOW);
    expect(summary).toMatchObject({ accessesLast30Days: 21, lastAccessAt: 40 });
    expect(summary.bucketReads).toEqual({ last30Days: 2, lastAt: 15 });
    expect(summary.bucketDays.map(({ reads }) => reads)).toEqual([2]);
    const older = summarizeAccesses([told, row('2026-02', { '10': 3 }, 30, 2)], NOW);
    expect(older.bucketReads).toEqual({ last30Days: 5, lastAt: 30 });
    expect(older.bucketDays.map(({ reads }) => reads)).toEqual([5]);
  });
});
