import type { AccessesReported } from '../../events/accesses-reported/v1.ts';
import type { AccessMonth } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { BucketReads } from '../placement/index.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';

type Access = AccessesReported['accesses'][number];

/** What one batch adds to one month of one blob. */
export interface MonthCount {
  readonly digest: Digest;
  readonly month: string;
  readonly days: Readonly<Record<string, number>>;
  readonly misses: Readonly<Record<string, number>>;
  readonly hits: number;
  readonly lastAt: EpochMs;
  readonly lastMissAt?: EpochMs;
}

export type AccessReason =
  | 'counted'
  /** No calendar day, in the future, or older than what batches wait for: a clock that is off must not age or warm a blob. */
  | 'implausible-day';

/** Reports may wait in a queue and its dead-letter queue for so long. */
const OLDEST_MS = 35 * DAY_MS;

/** Sorts a batch by blob and month. A last access is never later than now, whatever the host's clock said. */
export function decideCounts(
  accesses: readonly Access[],
  now: EpochMs,
): { readonly months: readonly MonthCount[]; readonly reasons: readonly AccessReason[] } {
  const months = new Map<string, MonthCount>();
  const reasons = accesses.map((access): AccessReason => {
    const day = Date.parse(`${access.day}T00:00:00Z`);
    if (!(day <= now + DAY_MS && day >= now - OLDEST_MS)) return 'implausible-day';
    const month = access.day.slice(0, 7);
    const key = `${access.digest} ${month}`;
    months.set(key, addAccess(months.get(key), access, month, now));
    return 'counted';
  });
  return { months: [...months.values()], reasons };
}

function addAccess(sum: MonthCount | undefined, access: Access, month: string, now: EpochMs): MonthCount {
  const day = access.day.slice(8);
  const lastAt = EpochMs.parse(Math.min(now, access.lastAt));
  const missed = Math.max(0, access.count - access.hits);
  return {
    digest: access.digest,
    month,
    days: summed(sum?.days, { [day]: access.count }),
    misses: summed(sum?.misses, missed === 0 ? {} : { [day]: missed }),
    hits: (sum?.hits ?? 0) + access.hits,
    lastAt: latest(sum?.lastAt, lastAt),
    // The host tells one moment for all opens of a day: none that missed was later.
    ...lastMiss(sum?.lastMissAt, missed === 0 ? undefined : lastAt),
  };
}

function summed(one: Readonly<Record<string, number>> = {}, other: Readonly<Record<string, number>>) {
  const sums = { ...one };
  for (const [day, times] of Object.entries(other)) sums[day] = (sums[day] ?? 0) + times;
  return sums;
}

const latest = (one: EpochMs | undefined, other: EpochMs): EpochMs => (one === undefined || one < other ? other : one);

function lastMiss(one: EpochMs | undefined, other: EpochMs | undefined): { readonly lastMissAt?: EpochMs } {
  const last = other === undefined ? one : latest(one, other);
  return last === undefined ? {} : { lastMissAt: last };
}

/** The month's row after a batch. */
export function addCounts(row: AccessMonth | undefined, count: MonthCount, shard: number): AccessMonth {
  const known = row === undefined ? undefined : missesOf(row);
  return {
    digest: count.digest,
    month: count.month,
    shard,
    days: summed(row?.days, count.days),
    misses: summed(known?.misses, count.misses),
    hits: (row?.hits ?? 0) + count.hits,
    lastAt: latest(row?.lastAt, count.lastAt),
    ...lastMiss(known?.lastMissAt, count.lastMissAt),
  };
}

/** A row that does not tell them knows the hits of its month: each day has its part of the other accesses, rounded up to whole ones. */
function missesOf(row: AccessMonth): Pick<AccessMonth, 'lastMissAt'> & { readonly misses: AccessMonth['days'] } {
  const { days, hits, lastAt, lastMissAt, misses } = row;
  if (misses !== undefined) return { misses, lastMissAt };
  const accesses = Object.values(days).reduce((sum, times) => sum + times, 0);
  if (accesses <= hits) return { misses: {}, lastMissAt: undefined };
  // Multiplied first: whole numbers stay exact.
  const missed = (times: number) => Math.ceil((times * (accesses - hits)) / accesses);
  return {
    misses: Object.fromEntries(Object.entries(days).map(([day, times]) => [day, missed(times)])),
    lastMissAt: lastAt,
  };
}

/** A day with reads; `at` is its noon. */
export interface ReadDay {
  readonly at: EpochMs;
  readonly reads: number;
}

/** What is asked of the counts. */
export interface AccessSummary {
  /** Opens on hosts over the last 30 calendar days, today among them. */
  readonly accessesLast30Days: number;
  readonly lastAccessAt: EpochMs | undefined;
  /** Every day with opens, in their order. */
  readonly days: readonly ReadDay[];
  /** The opens that no copy on the host answered. */
  readonly bucketReads: BucketReads;
  readonly bucketDays: readonly ReadDay[];
}

export function summarizeAccesses(rows: readonly AccessMonth[], now: EpochMs): AccessSummary {
  const opened = new DayCounts();
  const missed = new DayCounts();
  for (const row of rows) {
    const { lastMissAt, misses } = missesOf(row);
    opened.add(row.month, row.days, row.lastAt);
    missed.add(row.month, misses, lastMissAt);
  }
  return {
    accessesLast30Days: opened.last30Days(now),
    lastAccessAt: opened.lastAt,
    days: opened.days(now),
    bucketReads: {
      last30Days: missed.last30Days(now),
      ...(missed.lastAt === undefined ? {} : { lastAt: missed.lastAt }),
    },
    bucketDays: missed.days(now),
  };
}

/** Counts by day, gathered from months and shards. */
class DayCounts {
  lastAt: EpochMs | undefined;
  private readonly byDay = new Map<number, number>();

  add(month: string, days: AccessMonth['days'], lastAt: EpochMs | undefined): void {
    for (const [day, times] of Object.entries(days)) {
      const start = Date.parse(`${month}-${day}T00:00:00Z`);
      this.byDay.set(start, (this.byDay.get(start) ?? 0) + times);
    }
    if (lastAt !== undefined) this.lastAt = latest(this.lastAt, lastAt);
  }

  last30Days(now: EpochMs): number {
    return [...this.byDay].reduce((sum, [start, times]) => (start > now - 30 * DAY_MS ? sum + times : sum), 0);
  }

  days(now: EpochMs): readonly ReadDay[] {
    return [...this.byDay]
      .sort(([one], [other]) => one - other)
      .map(([start, reads]) => ({ at: EpochMs.parse(Math.min(now, start + DAY_MS / 2)), reads }));
  }
}
