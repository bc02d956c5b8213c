import type { AccessesReported } from '../../events/accesses-reported/v1.ts';
import type { AccessMonth } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';

type Access = AccessesReported['accesses'][number];

/** What one batch adds to one month of one blob. */
export interface MonthCount {
  readonly digest: Digest;
  readonly month: string;
  readonly days: Readonly<Record<string, number>>;
  readonly hits: number;
  readonly lastAt: EpochMs;
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
  return {
    digest: access.digest,
    month,
    days: { ...sum?.days, [day]: (sum?.days[day] ?? 0) + access.count },
    hits: (sum?.hits ?? 0) + access.hits,
    lastAt: sum === undefined || sum.lastAt < lastAt ? lastAt : sum.lastAt,
  };
}

/** The month's row after a batch. */
export function addCounts(row: AccessMonth | undefined, count: MonthCount, shard: number): AccessMonth {
  const days = { ...row?.days };
  for (const [day, times] of Object.entries(count.days)) days[day] = (days[day] ?? 0) + times;
  return {
    digest: count.digest,
    month: count.month,
    shard,
    days,
    hits: (row?.hits ?? 0) + count.hits,
    lastAt: row === undefined || row.lastAt < count.lastAt ? count.lastAt : row.lastAt,
  };
}

/** What tiering asks of the counts. */
export interface AccessSummary {
  /** Over the last 30 calendar days, today among them. */
  readonly accessesLast30Days: number;
  /** Those of them that no copy on the host answered. Hits are known by month, so a month's hits are spread over its accesses. */
  readonly missesLast30Days: number;
  readonly lastAccessAt: EpochMs | undefined;
  /** Every day with reads, in their order; `at` is its noon. */
  readonly days: readonly { readonly at: EpochMs; readonly reads: number }[];
}

export function summarizeAccesses(rows: readonly AccessMonth[], now: EpochMs): AccessSummary {
  const after = now - 30 * DAY_MS;
  let accessesLast30Days = 0;
  let missesLast30Days = 0;
  let lastAccessAt: EpochMs | undefined;
  const byDay = new Map<number, number>();
  for (const row of rows) {
    const missed = missRatio(row);
    for (const [day, times] of Object.entries(row.days)) {
      const start = Date.parse(`${row.month}-${day}T00:00:00Z`);
      if (start > after) accessesLast30Days += times;
      if (start > after) missesLast30Days += times * missed;
      byDay.set(start, (byDay.get(start) ?? 0) + times);
    }
    if (lastAccessAt === undefined || row.lastAt > lastAccessAt) lastAccessAt = row.lastAt;
  }
  const days = [...byDay]
    .sort(([one], [other]) => one - other)
    .map(([start, reads]) => ({ at: EpochMs.parse(Math.min(now, start + DAY_MS / 2)), reads }));
  return { accessesLast30Days, missesLast30Days, lastAccessAt, days };
}

function missRatio({ days, hits }: AccessMonth): number {
  const times = Object.values(days).reduce((sum, count) => sum + count, 0);
  return times === 0 ? 0 : Math.max(0, 1 - hits / times);
}
