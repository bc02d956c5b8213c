import { AccessesReported } from '../../events/accesses-reported/v1.ts';
import type { SignedEnvelope } from '../../events/signed-envelope/v1.ts';
import {
  ACCESS_SHARDS,
  AccessMonthRow,
  BlobRow,
  type Decided,
  expectationOf,
  OnceRow,
  queryAll,
  settle,
  shardOf,
  startingWith,
} from '../catalog/index.ts';
import { openReport } from '../fleet/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { DAY_MS, EpochMs } from '../shared/units.ts';
import { type AccessReason, type AccessSummary, addCounts, decideCounts, summarizeAccesses } from './decideCounts.ts';

export interface AccessDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

export type BatchReason = 'counted' | 'counted-before' | 'unknown-host' | 'stale-generation';

/** Longer than a batch can come again out of a queue and its dead-letter queue. */
const REMEMBERED_MS = 35 * DAY_MS;

interface Counted {
  readonly reason: BatchReason;
  readonly accesses: readonly (AccessReason | 'unknown-blob')[];
}

/**
 * Counts one batch of a host once: the batch's id and every count that it adds are one write. The id stays the same when the
 * host signs the batch anew under a younger generation.
 */
export async function countAccesses(deps: AccessDeps, envelope: SignedEnvelope): Promise<BatchReason> {
  const counted = await settle(deps.catalog, 'A batch of accesses', async (): Promise<Decided<Counted>> => {
    const opened = await openReport(deps.catalog, envelope, AccessesReported);
    if (opened.outcome === 'stale') return { changes: [], answer: { reason: opened.reason, accesses: [] } };
    return decideBatch(deps, opened.report);
  });
  deps.telemetry.metric('AccessBatch', 'Count', 1, { reason: counted.reason });
  for (const reason of counted.accesses) deps.telemetry.metric('AccessReported', 'Count', 1, { reason });
  return counted.reason;
}

async function decideBatch({ catalog, clock }: AccessDeps, report: AccessesReported): Promise<Decided<Counted>> {
  const id = `${report.host}/${report.batchId}`;
  if ((await OnceRow.get(catalog, 'accesses', id)) !== undefined) {
    return { changes: [], answer: { reason: 'counted-before', accesses: [] } };
  }
  const now = clock.now();
  const { months, reasons } = decideCounts(report.accesses, now);
  const shard = shardOf(report.host, ACCESS_SHARDS);
  const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
  const changes: Change[] = [OnceRow.put({ scope: 'accesses', id, at: now, expiresAt }, 'absent')];
  const accesses: (AccessReason | 'unknown-blob')[] = [...reasons];
  for (const count of months) {
    if ((await BlobRow.get(catalog, count.digest)) === undefined) {
      accesses.push('unknown-blob');
      continue;
    }
    const row = await AccessMonthRow.get(catalog, count.digest, count.month, shard);
    changes.push(AccessMonthRow.put(addCounts(row?.value, count, shard), expectationOf(row)));
  }
  return { changes, answer: { reason: 'counted', accesses } };
}

/** How a blob was used lately. Reads every month that it was used in: a few hundred small rows after years. */
export async function loadAccesses(store: CatalogStore, digest: Digest, now: EpochMs): Promise<AccessSummary> {
  const items = await queryAll(store, { partition: `BLOB#${digest}`, ...startingWith('ACCESS#') });
  return summarizeAccesses(
    items.map((item) => AccessMonthRow.parse(item).value),
    now,
  );
}
