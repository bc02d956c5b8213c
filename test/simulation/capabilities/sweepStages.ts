import type { SweepStage } from '../../../events/sweep-shard/v1.ts';
import {
  type Action,
  ActionRow,
  BlobRow,
  type EndedStage,
  OnceRow,
  type OutboxMessage,
  OutboxRow,
  shardOf,
  type SweepFinding,
  type SweepRun,
  SWEEP_SHARDS,
  SweepFindingRow,
  SweepRunRow,
  SweepStageRow,
  SweptBytesRow,
} from '../../../lib/catalog/index.ts';
import type { StorageClass } from '../../../lib/shared/ids.ts';
import { rowReader, violated } from '../invariants.ts';
import { redrive } from '../redrive.ts';
import type { Rng } from '../rng.ts';
import type { Capability, RowChange, Stage } from '../stage.ts';

const BEFORE: Readonly<Record<SweepStage, SweepStage | undefined>> = {
  analysis: undefined,
  warming: 'analysis',
  lifecycle: 'warming',
};

/** Of what notes late what a sweep has seen, another sweep is to tell; a few may meet such a late note. */
const MOST_MORE_SWEEPS = 3;

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
 * what it has found, or says that it has left it as nothing more may be set going. In some runs another sweep comes when all is at rest, and wherever
 * something is left that only the next one tells of.
 */
export function sweepStages(stage: Stage, rng: Rng): Capability {
  const { catalog, counters, inventoryMap, policies, scheduler } = stage;
  // A book of an operator's is looked at by one sweep, in force with the next one, and decides in a third.
  const atLeast = stage.ownsBooks ? 3 : Number(rng.chance(oftenMore(stage) ? 0.5 : 0.2));
  /** Sweeps that were asked for since faults ended; when the last was. */
  let asked = 0;
  let askedAt = 0;
  /** Runs that a sweep has begun, and those whose messages were written. */
  const [begun, sent] = [new Set<string>(), new Set<string>()];
  /** Of each run that has ended a stage, the shards whose last one has ended. */
  const ended = new Map<string, Set<number>>();
  const [readAction, readStage, readBlob] = [rowReader(ActionRow), rowReader(SweepStageRow), rowReader(BlobRow)];
  const [readFinding, readRun] = [rowReader(SweepFindingRow), rowReader(SweepRunRow)];
  const [readMessage, readOnce, readBytes] = [rowReader(OutboxRow), rowReader(OnceRow), rowReader(SweptBytesRow)];

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
    const stages = [...catalog.committedIn(`STAGES#${runId}`)].map(readStage);
    const analysis = stages.find((one) => one.shard === shard && one.stage === 'analysis');
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
    if (key.partition.startsWith('ONCE#sweep#')) begun.add(readOnce(after).id.slice('sweep-'.length));
    if (key.partition.startsWith('OUTBOX#')) onMessage(readMessage(after));
    if (!key.partition.startsWith('STAGES#')) return;
    const row = readStage(after);
    const { runId, shard, stage } = row;
    const shards = ended.get(runId) ?? new Set();
    ended.set(runId, stage === 'lifecycle' ? shards.add(shard) : shards);
    const earlier = BEFORE[stage];
    counters.count(`sweep stage: ${stage} ended`);
    if (earlier !== undefined && !hasEnded(runId, shard, earlier))
      violated(`Sweep ${runId}: the ${stage} of shard ${shard} has ended, and not the ${earlier} before it.`);
    if (stage === 'lifecycle') onLast(row);
  }

  function onMessage({ id, queue }: OutboxMessage): void {
    const runId = /^sweep-(\d+)-\d+$/.exec(id)?.[1];
    if (queue === 'sweep' && runId !== undefined) sent.add(runId);
  }

  /** One that only has looked at a policy has no stages, nor has one over the inventory that was stopped, or of which too much has failed. */
  const hasStages = (runId: string): boolean =>
    ended.has(runId) || sent.has(runId) || inventoryMap.hasEnded(`sweep-${runId}`);

  function open(): string | undefined {
    for (const runId of new Set([...begun, ...ended.keys()])) {
      // A sweep under way stops where it is when other code is deployed.
      if (ended.get(runId)?.size === SWEEP_SHARDS || policies.wasEndedSince(Number(runId))) continue;
      if (hasStages(runId))
        return `Sweep ${runId} has ended in ${ended.get(runId)?.size ?? 0} of ${SWEEP_SHARDS} shards.`;
    }
    return undefined;
  }

  /** Of sweeps over the inventory whose end has not told of it. */
  const uncounted = (): readonly number[] =>
    [...catalog.committedIn('SWEPTBYTES')].map((item) => readBytes(item).sweptAt);

  function askForMore(): boolean {
    const left = uncounted().length > 0;
    if (asked >= atLeast && !(left && asked < MOST_MORE_SWEEPS)) return false;
    counters.count(left ? 'sweep at rest: something is uncounted' : 'sweep at rest');
    asked += 1;
    askedAt = scheduler.now;
    stage.fireNow('sweep');
    return true;
  }

  async function isOver(): Promise<boolean> {
    if (asked > 0 && ![...begun].some((runId) => Number(runId) >= askedAt)) return false;
    if (inventoryMap.running() > 0) return false;
    if (open() === undefined) return true;
    // Its message may have failed too often: then an alarm calls an operator, and the sweep goes on.
    await redrive(stage, 'sweep');
    return false;
  }

  return {
    act() {
      asked = 0;
    },
    onRow,
    atRest: async () => (await isOver()) && !askForMore(),
    async check() {
      if (!(await isOver())) violated(open() ?? 'A sweep has not begun or not ended.');
      const [sweptAt] = uncounted();
      if (sweptAt !== undefined) violated(`What the sweep of ${sweptAt} has seen was never counted.`);
    },
  };
}

/** What is in nobody's use any more only a sweep shows that comes late. */
function oftenMore({ settings }: Stage): boolean {
  return settings.tierPolicy === 'lifecycle';
}
