import {
  expectationOf,
  queryAll,
  SWEEP_SHARDS,
  SweepRunRow,
  SweepStageRow,
  type SweepTurn,
  SweepTurnRow,
  type Versioned,
} from '../catalog/index.ts';
import { ContractError } from '../shared/errors.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import type { Telemetry } from '../shared/ports/telemetry.ts';
import { type EpochMs, Usd } from '../shared/units.ts';
import { type DatedLimits, emptyRun, type RunLimits, shardLimits } from './sweepBudget.ts';
import { type RefusedMove, turnAfter } from './turnInShard.ts';

/** A move that a shard of the sweep before had no dollars for. */
export interface WaitingMove extends RefusedMove {
  readonly shard: number;
}

interface KeepDeps {
  readonly catalog: CatalogStore;
  readonly telemetry: Telemetry;
}

export interface KeptShard {
  readonly limits: RunLimits;
  readonly kept?: { readonly digest: Digest; readonly usd: Usd };
}

/** Found by the next sweep, a move may cost a little more than it did when it was found. */
const PRICE_ROOM = 1.1;

/** What each shard of a sweep may spend, and the first one that dollars are kept for. */
export interface KeptShards {
  readonly shards: readonly KeptShard[];
  readonly first: number;
}

/**
 * The limits of a sweep that keeps dollars for what has waited: for as many of these moves as it can pay, by turns from the shard `from` on, and equal
 * parts of the rest. Together never above the limits of the run; undefined where it can pay none of them.
 */
export function keepByTurns(
  waiting: readonly WaitingMove[],
  { at, limits: { budgetUsd, mostMoves } }: DatedLimits,
  from: number,
): KeptShards | undefined {
  const turnOf = ({ shard }: WaitingMove): number => (shard + SWEEP_SHARDS - from) % SWEEP_SHARDS;
  const kept = new Map<number, NonNullable<KeptShard['kept']>>();
  let usd = 0;
  for (const { digest, shard, ...move } of waiting.toSorted((one, other) => turnOf(one) - turnOf(other))) {
    const price = Math.min(budgetUsd, move.usd * PRICE_ROOM);
    if (move.usd > budgetUsd || usd + price > budgetUsd || kept.size >= mostMoves) continue;
    kept.set(shard, { digest, usd: Usd.parse(price) });
    usd += price;
  }
  const [first] = kept.keys();
  if (first === undefined) return undefined;
  // Sums of sixteen parts are rounded: what is left over is given out a little short.
  const leftUsd = Math.max(0, budgetUsd - usd) * (1 - Number.EPSILON * SWEEP_SHARDS);
  const rest = { at, limits: { budgetUsd: leftUsd, mostMoves: mostMoves - kept.size } };
  const shards = Array.from({ length: SWEEP_SHARDS }, (_, shard): KeptShard => {
    const part = shardLimits(rest, shard);
    const own = kept.get(shard);
    if (own === undefined) return { limits: part };
    return { limits: { budgetUsd: part.budgetUsd + own.usd, mostMoves: part.mostMoves + 1 }, kept: own };
  });
  return { shards, first };
}

/**
 * Writes down what each shard of a sweep that begins may spend, where the one before it had no dollars for some move: nothing waits for ever
 * because of how a budget is divided among shards, or of what goes before it. Every second sweep at most, so that what costs little does not wait for
 * ever either, and not where something of the run was reserved already. No change: all shards have equal parts, as they have where rows cannot be read.
 */
export async function keepForWaiting(deps: KeepDeps, run: DatedLimits, now: EpochMs): Promise<readonly Change[]> {
  const { catalog } = deps;
  const turn = await readTurn(deps);
  const waiting = turn && (await readable(deps, () => waitingBefore(catalog, run.at, turn.row?.value)));
  if (turn === undefined || waiting === undefined) return [];
  const from = turn.row === undefined ? 0 : (turn.row.value.shard + 1) % SWEEP_SHARDS;
  const kept = keepByTurns(waiting, run, from);
  const runId = String(run.at);
  if (kept === undefined || (await queryAll(catalog, { partition: `RUN#${runId}` })).length > 0) return [];
  const evenUsd = Usd.parse(run.limits.budgetUsd / SWEEP_SHARDS);
  const rows = kept.shards.map(({ kept: own, limits }, shard) => {
    const empty = { ...emptyRun({ runId, shard, limits, now }), evenUsd };
    return SweepRunRow.put(own === undefined ? empty : { ...empty, kept: own }, 'absent');
  });
  const shards = kept.shards.map(({ kept: own }, shard) => {
    const move = own && waiting.find((one) => one.shard === shard);
    const before = turn.row?.value.shards[shard] ?? {};
    return move === undefined ? before : turnAfter(move, evenUsd, before);
  });
  return [...rows, SweepTurnRow.put({ runId, shard: kept.first, shards }, expectationOf(turn.row))];
}

/** Whose turn it was; undefined where that cannot be read, which is told. */
export async function readTurn(
  deps: KeepDeps,
): Promise<{ readonly row: Versioned<SweepTurn> | undefined } | undefined> {
  return readable(deps, async () => ({ row: await SweepTurnRow.get(deps.catalog) }));
}

/** Rows that nobody can read stop no sweep: nothing is kept by them. */
async function readable<Answer>({ telemetry }: KeepDeps, read: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ContractError)) throw error;
    telemetry.error('turns of a sweep unreadable', error);
    return undefined;
  }
}

/** Newest sweeps among which the one before stands; the moments of a schedule may be tried in any order. */
const NEWEST = 5;

/** What the sweep before `at` had no dollars for; nothing where it, or one after it, has kept some itself. */
async function waitingBefore(
  catalog: CatalogStore,
  at: EpochMs,
  turn: SweepTurn | undefined,
): Promise<readonly WaitingMove[]> {
  const { items } = await catalog.queryIndex('listing', { partition: 'STAGEDRUNS', limit: NEWEST, descending: true });
  const moments = items.map((item) => Number(SweepStageRow.parse(item).value.runId)).filter((moment) => moment < at);
  const before = Math.max(...moments);
  if (moments.length === 0 || Number(turn?.runId ?? Number.NEGATIVE_INFINITY) >= before) return [];
  const ended = (await queryAll(catalog, { partition: `STAGES#${before}` })).map(
    (item) => SweepStageRow.parse(item).value,
  );
  return ended.flatMap(({ shard, waits }) => (waits === undefined ? [] : [{ shard, ...waits }]));
}
