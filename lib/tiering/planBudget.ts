import { queryAll, settle, shardOf, type SweepRun, SWEEP_SHARDS, SweepRunRow } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore } from '../shared/ports/catalogStore.ts';
import type { Clock } from '../shared/ports/clock.ts';
import { TieringError } from './errors.ts';
import { emptyRun, type RunLimits } from './sweepBudget.ts';

/** The limits of a plan, divided among the shards of its run. */
export interface DividedLimits<Move> {
  /** One a shard; together never above the plan's. */
  readonly shards: readonly RunLimits[];
  /** Within the limits, in their order; the others are too many, or too dear. */
  readonly fit: readonly Move[];
}

/**
 * Gives each shard what its moves of a plan are expected to cost, taken in their order while the plan's limits last, and an equal part of
 * what is left. So moves of different shards can be sent at once, and no shard has to ask another one what it has spent.
 */
export function divideLimits<Move extends { readonly digest: Digest; readonly usd: number }>(
  moves: readonly Move[],
  limits: RunLimits,
): DividedLimits<Move> {
  const taken = Array.from({ length: SWEEP_SHARDS }, () => ({ budgetUsd: 0, mostMoves: 0 }));
  const fit: Move[] = [];
  let usd = 0;
  for (const move of moves) {
    const part = taken[shardOf(move.digest, SWEEP_SHARDS)];
    if (part === undefined || fit.length >= limits.mostMoves || usd + move.usd > limits.budgetUsd) continue;
    part.budgetUsd += move.usd;
    part.mostMoves += 1;
    usd += move.usd;
    fit.push(move);
  }
  // Sums of sixteen parts are rounded: what is left over is given out a little short.
  const leftUsd = Math.max(0, limits.budgetUsd - usd) * (1 - Number.EPSILON * SWEEP_SHARDS);
  const left = limits.mostMoves - fit.length;
  const shards = taken.map(({ budgetUsd, mostMoves }, shard) => ({
    budgetUsd: budgetUsd + leftUsd / SWEEP_SHARDS,
    mostMoves: mostMoves + Math.floor(left / SWEEP_SHARDS) + (shard < left % SWEEP_SHARDS ? 1 : 0),
  }));
  return { shards, fit };
}

interface PlanBegin {
  readonly runId: string;
  readonly shards: readonly RunLimits[];
  /** It was begun before. */
  readonly goesOn?: boolean | undefined;
}

/**
 * Writes down what each shard of a plan's run may spend, in one write. A run that has begun keeps what it began with, so that one that was
 * interrupted goes on within the same limits. Throws `TieringError` `no-plan` for the run of something else, and with `goesOn` for one that nobody
 * has begun.
 */
export async function beginPlan(
  { catalog, clock }: { readonly catalog: CatalogStore; readonly clock: Clock },
  { runId, shards, goesOn }: PlanBegin,
): Promise<readonly SweepRun[]> {
  return settle(catalog, `Beginning ${runId}`, async () => {
    const items = await queryAll(catalog, { partition: `RUN#${runId}` });
    const begun = items.map((item) => SweepRunRow.parse(item).value);
    // A sweep's run is named by its moment.
    if (/^\d+$/.test(runId) || (begun.length > 0 && begun.length < shards.length)) throw noPlan(runId);
    if (begun.length > 0) return { changes: [], answer: begun };
    if (goesOn === true) throw noPlan(runId);
    const now = clock.now();
    const runs = shards.map((limits, shard) => emptyRun({ runId, shard, limits, now }));
    return { changes: runs.map((run) => SweepRunRow.put(run, 'absent')), answer: runs };
  });
}

/** Of a run that was begun whole each shard has its own limits; else all of it goes by those of the first. */
export async function shardOfPlan(catalog: CatalogStore, runId: string, digest: Digest): Promise<number> {
  const shard = shardOf(digest, SWEEP_SHARDS);
  return (await SweepRunRow.get(catalog, runId, shard)) === undefined ? 0 : shard;
}

function noPlan(runId: string): TieringError {
  return new TieringError({
    code: 'no-plan',
    message: `${runId} is no run of a plan that can be gone on with. \`strata sweeps\` lists runs.`,
    retryable: false,
  });
}
