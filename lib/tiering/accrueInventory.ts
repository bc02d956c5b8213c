import { createHash } from 'node:crypto';
import type { AccrueAllowance } from '../../events/accrue-allowance/v1.ts';
import type { StageTally } from '../../events/sweep-shard/v1.ts';
import {
  expectationOf,
  OnceRow,
  outboxPut,
  queryAll,
  settle,
  shardOf,
  SWEEP_SHARDS,
  SweepStageRow,
  type SweptBytes,
  SweptBytesRow,
} from '../catalog/index.ts';
import { CorrelationId, type Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { Bytes, DAY_MS, EpochMs } from '../shared/units.ts';
import { addTally, endedStage, NO_TALLY } from './endStage.ts';
import { runInForce } from './policyInForce.ts';
import type { ScheduledRun, SweepDeps } from './sweepSettings.ts';

/** Rows of a sweep between which its batches are spread; together with a message per shard they are closed in one write. */
const CELLS = 32;
const REMEMBERED_MS = 30 * DAY_MS;

export interface AccrueInventoryDeps {
  readonly catalog: CatalogStore;
  readonly clock: Clock;
}

/** What the analysis has seen of one blob: what it adds to its shard's stage, and to its account. */
export interface AnalysedBlob {
  readonly tally: StageTally;
  readonly bytes: number;
}

/** Notes what one batch of a sweep over the inventory has seen, once however often the batch runs; `analysed` are those that still are blobs. */
export async function noteBatch(
  { catalog, clock }: AccrueInventoryDeps,
  sweptAt: EpochMs,
  batch: readonly Digest[],
  analysed: ReadonlyMap<Digest, AnalysedBlob>,
): Promise<void> {
  if (analysed.size === 0) return;
  const seen = Array.from({ length: SWEEP_SHARDS }, (): AnalysedBlob => ({ tally: NO_TALLY, bytes: 0 }));
  for (const [digest, { bytes, tally }] of analysed) {
    const shard = shardOf(digest, SWEEP_SHARDS);
    const before = seen[shard];
    if (before !== undefined) seen[shard] = { tally: addTally(before.tally, tally), bytes: before.bytes + bytes };
  }
  // The rows of a batch are the same whenever it runs again, which of them are blobs is not.
  const id = createHash('sha256')
    .update([sweptAt, ...batch.toSorted()].join(' '))
    .digest('hex');
  const cell = shardOf(id, CELLS);
  await settle(catalog, `Noting the bytes of ${sweptAt}`, async () => {
    if ((await OnceRow.get(catalog, 'swept-bytes', id)) !== undefined) return { changes: [], answer: undefined };
    const row = await SweptBytesRow.get(catalog, sweptAt, cell);
    const now = clock.now();
    const bytes = seen.map((one, shard) => Bytes.parse(one.bytes + (row?.value.bytes[shard] ?? 0)));
    const tallies = seen.map(({ tally }, shard) => addTally(row?.value.tallies?.[shard], tally));
    const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
    return {
      changes: [
        OnceRow.put({ scope: 'swept-bytes', id, at: now, expiresAt }, 'absent'),
        SweptBytesRow.put({ sweptAt, cell, bytes, tallies }, expectationOf(row)),
      ],
      answer: undefined,
    };
  });
}

/**
 * Ends the analysis of a sweep over the inventory in all shards and begins their next stage, in one write that happens once: not before every batch
 * was analysed, and not where too many have failed. What the shards' accounts are to grow by goes with it. A dry run ends here, and so does
 * one of which nothing may decide any more. What a batch notes later is passed over: its blobs wait for the next sweep.
 */
export async function endInventory(
  deps: SweepDeps,
  scheduled: ScheduledRun & { readonly sweepId: string },
): Promise<void> {
  const { catalog, clock, settings } = deps;
  if (settings.tierSweep === 'off') return;
  const run = await runInForce(deps, scheduled);
  if (run === undefined) return;
  await settle(catalog, `Ending the analysis of ${scheduled.sweepId}`, async () => {
    const stages = (await queryAll(catalog, { partition: `STAGES#${run.id}` })).map(
      (item) => SweepStageRow.parse(item).value,
    );
    const ended = new Set(stages.filter(({ stage }) => stage === 'analysis').map(({ shard }) => shard));
    if (ended.size === SWEEP_SHARDS) return { changes: [], answer: undefined };
    const cells = (await queryAll(catalog, { partition: 'SWEPTBYTES' }))
      .map((item) => SweptBytesRow.parse(item))
      .filter(({ value }) => value.sweptAt === scheduled.scheduledAt);
    const now = clock.now();
    const changes = cells.map(({ value, version }) => forgotten(value, version));
    for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
      const tally = cells.reduce((sum, { value }) => addTally(sum, value.tallies?.[shard] ?? NO_TALLY), NO_TALLY);
      const bytes = cells.reduce((sum, { value }) => sum + (value.bytes[shard] ?? 0), 0);
      // A repeated start may have chosen the messages: then they go on in what shards they have analysed.
      if (ended.has(shard)) continue;
      changes.push(endedStage(run, shard, 'analysis', tally, now));
      if (run.dryRun) {
        for (const stage of ['warming', 'lifecycle'] as const)
          changes.push(endedStage(run, shard, stage, NO_TALLY, now));
        continue;
      }
      const { correlationId, scheduledAt, sweepId } = scheduled;
      const body = { schema: 'sweep-shard/1', sweepId, scheduledAt, shard, stage: 'warming', bytes, correlationId };
      changes.push(outboxPut({ id: `${sweepId}-${shard}-warming`, queue: 'sweep', body }, now));
    }
    return { changes, answer: undefined };
  });
}

function forgotten({ cell, sweptAt }: SweptBytes, version: number): Change {
  return { kind: 'delete', key: SweptBytesRow.key(sweptAt, cell), expect: { version } };
}

/**
 * Sends what the sweeps before `scheduledAt` have seen to the shards' accounts, each of them in one write, where no end of theirs has done so. What
 * a batch notes later, or of a batch that failed, is never counted: an account may only be too small.
 */
export async function closeInventorySweeps(
  { catalog, clock }: AccrueInventoryDeps,
  scheduledAt: EpochMs,
): Promise<void> {
  for (let more = true; more; ) {
    more = await settle(catalog, 'Closing sweeps over the inventory', async () => {
      const items = await queryAll(catalog, { partition: 'SWEPTBYTES' });
      const past = items.map((item) => SweptBytesRow.parse(item)).filter(({ value }) => value.sweptAt < scheduledAt);
      const sweptAt = past[0]?.value.sweptAt;
      if (sweptAt === undefined) return { changes: [], answer: false };
      const cells = past.filter(({ value }) => value.sweptAt === sweptAt);
      const changes = cells.map(({ value, version }) => forgotten(value, version));
      // Where dollars do not decide, no account grows.
      if (cells.every(({ value }) => value.bytes.every((one) => one === 0))) return { changes, answer: true };
      const correlationId = CorrelationId.parse(`sweep-${sweptAt}`);
      const now = clock.now();
      for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
        const bytes = cells.reduce((sum, { value }) => sum + (value.bytes[shard] ?? 0), 0);
        const body: AccrueAllowance = { schema: 'accrue-allowance/1', sweptAt, shard, bytes, correlationId };
        changes.push(outboxPut({ id: `swept-${sweptAt}-${shard}`, queue: 'sweep', body }, now));
      }
      return { changes, answer: true };
    });
  }
}
