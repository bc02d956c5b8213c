import type { SweepStage } from '../../../events/sweep-shard/v1.ts';
import {
  type Action,
  ActionRow,
  BlobRow,
  type EndedStage,
  shardOf,
  type SweepFinding,
  type SweepRun,
  SWEEP_SHARDS,
  SweepFindingRow,
  SweepRunRow,
  SweepStageRow,
} from '../../../lib/catalog/index.ts';
import type { StorageClass } from '../../../lib/shared/ids.ts';
import { rowReader, violated } from '../invariants.ts';
import { redrive } from '../redrive.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

const BEFORE: Readonly<Record<SweepStage, SweepStage | undefined>> = {
  analysis: undefined,
  warming: 'analysis',
  lifecycle: 'warming',
};

/** The larger, the dearer or slower a read. */
const READS: Readonly<Record<StorageClass, number>> = {
  STANDARD: 0,
  INTELLIGENT_TIERING: 0,
  STANDARD_IA: 1,
  GLACIER_IR: 2,
  GLACIER: 3,
  DEEP_ARCHIVE: 3,
};

/**
 * In each shard a sweep analyses before it warms, and warms before anything else of it moves; every sweep that begins ends all of them, and has carried out
 * what it has found, or says that it has left it as nothing more may be set going.
 */
export function sweepStages(stage: Stage): Capability {
  const { catalog, counters, policies } = stage;
  const [readAction, readStage, readBlob] = [rowReader(ActionRow), rowReader(SweepStageRow), rowReader(BlobRow)];
  const [readFinding, readRun] = [rowReader(SweepFindingRow), rowReader(SweepRunRow)];

  function hasEnded(runId: string, shard: number, stage: SweepStage): boolean {
    const rows = [...catalog.committedIn(`STAGES#${runId}`)].map(readStage);
    return rows.some((one) => one.shard === shard && one.stage === stage);
  }

  function turnOf({ chosen, digest, type }: Action): SweepStage {
    if (type === 'restore' || chosen.startsWith('unpack ')) return 'warming';
    if (chosen.startsWith('pack ')) return 'lifecycle';
    const row = [...catalog.committedIn(`BLOB#${digest}`)].find(({ key }) => key.sort === 'META');
    const from = row === undefined ? undefined : readBlob(row).origin.storageClass;
    const to = Object.entries(READS).find(([name]) => chosen === `transition ${name}`)?.[1];
    return from !== undefined && to !== undefined && to < READS[from] ? 'warming' : 'lifecycle';
  }

  function onMove(action: Action): void {
    const runId = /^sweep-(\d+)$/.exec(action.correlationId)?.[1];
    if (runId === undefined || action.digest === undefined) return;
    if (action.type !== 'transition' && action.type !== 'restore') return;
    const turn = turnOf(action);
    const before = BEFORE[turn];
    counters.count(`sweep stage: a move of the ${turn}`);
    if (before !== undefined && !hasEnded(runId, shardOf(action.digest, SWEEP_SHARDS), before))
      violated(`Sweep ${runId}: ${action.chosen} of ${action.digest} before the ${before} of its shard has ended.`);
  }

  /** Dollars are short in some runs, moves in all. */
  function onLast({ left, runId, shard }: EndedStage): void {
    const ended = [...catalog.committedIn(`STAGES#${runId}`)].map(readStage);
    const analysis = ended.find((one) => one.shard === shard && one.stage === 'analysis');
    // An earlier delivery may have found what the one that ended the analysis did not find any more: nothing goes on then.
    if (analysis !== undefined && analysis.moves + analysis.placements === 0) return;
    const found = [...catalog.committedIn(`FOUND#${runId}#${shard}`)].map(readFinding);
    const open = found.filter(
      ({ carriedOut, moves }) => moves && !carriedOut?.moves && carriedOut?.stage !== 'lifecycle',
    );
    // Of two deliveries at once, one may count as left what the other one sets going.
    if (open.length > left)
      violated(`Sweep ${runId} says that it has left ${left} moves in shard ${shard}, and has left ${open.length}.`);
    if (left === 0) return;
    counters.count('sweep stage: moves left to the next sweep');
    const run = [...catalog.committedIn(`RUN#${runId}`)].map(readRun).find((one) => one.shard === shard);
    if (run !== undefined && open.some((one) => isPaidBy(run, one)))
      violated(`Sweep ${runId} has left moves in shard ${shard}, and might have set going more.`);
  }

  /** By the price that it was found with. */
  function isPaidBy(
    { budgetUsd, kept, mostMoves, moves, reservedUsd }: SweepRun,
    { digest, price }: SweepFinding,
  ): boolean {
    const forOther = kept?.digest === digest ? undefined : kept;
    const leftUsd = budgetUsd - reservedUsd - (forOther?.usd ?? 0);
    return moves + (forOther === undefined ? 0 : 1) < mostMoves && price !== undefined && price.usd <= leftUsd;
  }

  function onRow({ key, before, after }: RowChange): void {
    if (before !== undefined || after === undefined) return;
    if (key.partition.startsWith('ACTION#')) onMove(readAction(after));
    if (!key.partition.startsWith('STAGES#')) return;
    const ended = readStage(after);
    const { runId, shard, stage } = ended;
    const earlier = BEFORE[stage];
    counters.count(`sweep stage: ${stage} ended`);
    if (earlier !== undefined && !hasEnded(runId, shard, earlier))
      violated(`Sweep ${runId}: the ${stage} of shard ${shard} has ended, and not the ${earlier} before it.`);
    if (stage === 'lifecycle') onLast(ended);
  }

  return {
    onRow,
    async check() {
      const runs = new Set([...catalog.committed('STAGES#')].map((item) => readStage(item).runId));
      for (const runId of runs) {
        // A sweep under way stops where it is when other code is deployed.
        if (policies.wasEndedSince(Number(runId))) continue;
        for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
          if (hasEnded(runId, shard, 'lifecycle')) continue;
          // Its message may have failed too often: then an alarm calls an operator, and the sweep goes on.
          await redrive(stage, 'sweep');
          violated(`Sweep ${runId} has not ended in shard ${shard}.`);
        }
      }
    },
  };
}
