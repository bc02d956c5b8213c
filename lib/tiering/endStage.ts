import type { StageTally, SweepShard, SweepStage } from '../../events/sweep-shard/v1.ts';
import { outboxPut, settle, SweepStageRow } from '../catalog/index.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Change } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { DAY_MS, EpochMs, Usd } from '../shared/units.ts';
import type { WholeRun } from './moveInRun.ts';
import { shardLimits } from './sweepBudget.ts';

export const NO_TALLY: StageTally = { blobs: 0, moves: 0, bytes: 0, placements: 0, left: 0, leftUsd: 0 };
const REMEMBERED_MS = 90 * DAY_MS;

const AFTER: Readonly<Record<SweepStage, readonly SweepStage[]>> = {
  analysis: ['warming', 'lifecycle'],
  warming: ['lifecycle'],
  lifecycle: [],
};

export function addTally(one: StageTally = NO_TALLY, other: StageTally): StageTally {
  const tooDear = (one.tooDear ?? 0) + (other.tooDear ?? 0);
  // What a later page notes, it has compared with what the ones before it had noted.
  const waits = other.waits ?? one.waits;
  return {
    blobs: one.blobs + other.blobs,
    moves: one.moves + other.moves,
    bytes: one.bytes + other.bytes,
    placements: one.placements + other.placements,
    left: one.left + other.left,
    leftUsd: one.leftUsd + other.leftUsd,
    ...(tooDear === 0 ? {} : { tooDear }),
    ...(waits === undefined ? {} : { waits }),
  };
}

/** The row of a stage that has ended. */
export function endedStage(run: WholeRun, shard: number, stage: SweepStage, done: StageTally, now: EpochMs): Change {
  const budgetUsd = Usd.parse(shardLimits(run, shard).budgetUsd);
  const expiresAt = EpochMs.parse(now + REMEMBERED_MS);
  return SweepStageRow.put({ runId: run.id, shard, stage, ...done, budgetUsd, endedAt: now, expiresAt }, 'absent');
}

/**
 * Ends a stage of one shard, once however often its last page is delivered, and begins the next one by the same write. Where the analysis has
 * found nothing, or is all there is of a dry run, the others end with it. Answers whether the last stage has ended.
 */
export async function endStage(
  { catalog, clock }: { readonly catalog: CatalogStore; readonly clock: Clock },
  run: WholeRun,
  message: SweepShard,
): Promise<boolean> {
  const { shard, stage, tally = NO_TALLY, cursor: _, reach: __, ...same } = message;
  return settle(catalog, `Ending the ${stage} of ${run.id} in shard ${shard}`, async () => {
    if ((await SweepStageRow.get(catalog, run.id, shard, stage)) !== undefined) {
      const last = await SweepStageRow.get(catalog, run.id, shard, 'lifecycle');
      return { changes: [], answer: last !== undefined };
    }
    const now = clock.now();
    const ended = endedStage(run, shard, stage, tally, now);
    const [next] = AFTER[stage];
    const idle = stage === 'analysis' && (run.dryRun || tally.moves + tally.placements === 0);
    if (next === undefined || idle) {
      return {
        changes: [ended, ...AFTER[stage].map((one) => endedStage(run, shard, one, NO_TALLY, now))],
        answer: true,
      };
    }
    const body = { ...same, shard, stage: next };
    const begun = outboxPut({ id: `${message.sweepId}-${shard}-${next}`, queue: 'sweep', body }, now);
    return { changes: [ended, begun], answer: false };
  });
}
