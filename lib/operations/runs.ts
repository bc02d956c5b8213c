import { loadAccesses } from '../accesses/index.ts';
import { type StageTally, SweepStage } from '../../events/sweep-shard/v1.ts';
import {
  ActionRow,
  BlobRow,
  type EndedStage,
  queryAll,
  SWEEP_SHARDS,
  type SweepRun,
  SweepRunRow,
  SweepStageRow,
} from '../catalog/index.ts';
import { type MoveOutcome, moveOutcome } from '../costs/index.ts';
import type { PricesDeps } from '../priceBooks/index.ts';
import { eachOf } from '../shared/eachOf.ts';
import type { CatalogStore, Item } from '../shared/ports/catalogStore.ts';
import { Bytes, EpochMs, Usd } from '../shared/units.ts';
import type { OperationInput, OperationOutput } from './contract.ts';
import { type PagedPartition, pageOver } from './pages.ts';
import { ratesInForce } from './tiers.ts';
import type { RunView } from './lifecycleViews.ts';

/** Rows of a shard that are looked at: three months of daily sweeps, and some plans. */
const NEWEST = 120;
const READ_AT_ONCE = 8;

/** The newest runs, or the one that is named; none where nobody knows it. */
export async function listRuns(
  { catalog }: Pick<PricesDeps, 'catalog'>,
  { limit, runId }: OperationInput<'listRuns'>,
): Promise<OperationOutput<'listRuns'>> {
  const rows = runId === undefined ? await newestRows(catalog) : await queryAll(catalog, { partition: `RUN#${runId}` });
  const runs = new Map<string, RunView>();
  for (const row of rows) {
    const part = SweepRunRow.parse(row).value;
    runs.set(part.runId, added(runs.get(part.runId), part));
  }
  const staged = runId === undefined ? await newestStaged(catalog, limit) : [runId];
  for (const id of staged) {
    const ended = await endedStages(catalog, id);
    if (ended.length > 0) runs.set(id, { ...(runs.get(id) ?? idleRun(ended)), stages: stagesOf(ended) });
  }
  const items = [...runs.values()].sort((one, other) => other.startedAt - one.startedAt);
  return { items: items.slice(0, limit) };
}

async function newestStaged(catalog: CatalogStore, limit: number): Promise<readonly string[]> {
  const { items } = await catalog.queryIndex('listing', { partition: 'STAGEDRUNS', limit, descending: true });
  return items.map((item) => SweepStageRow.parse(item).value.runId);
}

async function endedStages(catalog: CatalogStore, runId: string): Promise<readonly EndedStage[]> {
  const items = await queryAll(catalog, { partition: `STAGES#${runId}` });
  return items.map((item) => SweepStageRow.parse(item).value);
}

async function newestRows(catalog: CatalogStore) {
  const pages = await Promise.all(
    Array.from({ length: SWEEP_SHARDS }, (_, shard) =>
      catalog.queryIndex('listing', { partition: `RUNS#${shard}`, limit: NEWEST, descending: true }),
    ),
  );
  return pages.flatMap(({ items }) => items);
}

function added(run: RunView | undefined, part: SweepRun): RunView {
  const { budgetUsd, homeUsd, moves, movedBytes, reservedUsd, runId, startedAt } = part;
  return {
    runId,
    // The id of a scheduled run is its moment.
    by: /^\d+$/.test(runId) ? 'sweep' : 'plan',
    startedAt: EpochMs.parse(Math.min(run?.startedAt ?? startedAt, startedAt)),
    moves: (run?.moves ?? 0) + moves,
    bytes: Bytes.parse((run?.bytes ?? 0) + movedBytes),
    reservedUsd: Usd.parse((run?.reservedUsd ?? 0) + reservedUsd + (homeUsd ?? 0)),
    budgetUsd: Usd.parse((run?.budgetUsd ?? 0) + budgetUsd),
  };
}

/** A sweep that has found nothing to set going so far. */
function idleRun(ended: readonly EndedStage[]): RunView {
  const runId = ended[0]?.runId ?? '';
  const analysed = ended.filter(({ stage }) => stage === 'analysis');
  return {
    runId,
    by: 'sweep',
    // A sweep is named by its moment.
    startedAt: EpochMs.parse(Number(runId)),
    moves: 0,
    bytes: Bytes.parse(0),
    reservedUsd: Usd.parse(0),
    budgetUsd: Usd.parse(analysed.reduce((sum, { budgetUsd }) => sum + budgetUsd, 0)),
  };
}

function stagesOf(ended: readonly EndedStage[]): NonNullable<RunView['stages']> {
  return SweepStage.options.map((stage) => {
    const done = ended.filter((one) => one.stage === stage);
    const sum = (name: Exclude<keyof StageTally, 'waits'>): number =>
      done.reduce((total, one) => total + (one[name] ?? 0), 0);
    return {
      stage,
      shards: done.length,
      of: SWEEP_SHARDS,
      blobs: sum('blobs'),
      moves: sum('moves'),
      bytes: sum('bytes'),
      placements: sum('placements'),
      left: sum('left'),
      leftUsd: sum('leftUsd'),
      tooDear: sum('tooDear'),
      ...(done.length === 0 ? {} : { endedAt: EpochMs.parse(Math.max(...done.map(({ endedAt }) => endedAt))) }),
    };
  });
}

/** A page of the moves of a run that have ended, with what each has brought. Throws `PricingError`. */
export async function listRunMoves(
  deps: PricesDeps,
  { limit, nextToken, runId }: OperationInput<'listRunMoves'>,
): Promise<OperationOutput<'listRunMoves'>> {
  const { catalog, clock } = deps;
  const rates = await ratesInForce(deps);
  const places = Array.from(
    { length: SWEEP_SHARDS },
    (_, shard): PagedPartition => ({ index: 'due', partition: `MOVES#${runId}#${shard}` }),
  );
  const page = await pageOver(catalog, places, limit, nextToken);
  const outcomes = new Map<Item, MoveOutcome>();
  const now = clock.now();
  await eachOf(page.items, READ_AT_ONCE, async (item) => {
    const action = ActionRow.parse(item).value;
    if (action.digest === undefined) return;
    const blob = await BlobRow.get(catalog, action.digest);
    const { bucketDays } = await loadAccesses(catalog, action.digest, now);
    const outcome = moveOutcome(action, blob?.value, bucketDays, rates, now);
    if (outcome !== undefined) outcomes.set(item, outcome);
  });
  const items = page.items.flatMap((item) => outcomes.get(item) ?? []);
  return { items, ...(page.nextToken === undefined ? {} : { nextToken: page.nextToken }) };
}
