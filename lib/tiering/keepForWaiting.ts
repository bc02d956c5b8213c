import { expectationOf, queryAll, SWEEP_SHARDS, SweepRunRow, SweepStageRow, SweepTurnRow } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import type { CatalogStore, Change } from '../shared/ports/catalogStore.ts';
import { type EpochMs, Usd } from '../shared/units.ts';
import { type DatedLimits, emptyRun, type RunLimits, shardLimits } from './sweepBudget.ts';

/** A move that a shard of the sweep before had no dollars for. */
export interface WaitingMove {
  readonly shard: number;
  readonly digest: Digest;
  readonly usd: number;
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
 * ever either, and not where something of the run was reserved already. No change: all shards have equal parts.
 */
export async function keepForWaiting(
  catalog: CatalogStore,
  run: DatedLimits,
  now: EpochMs,
): Promise<readonly Change[]> {
  const before = await sweepBefore(catalog, run.at);
  const turn = await SweepTurnRow.get(catalog);
  if (before === undefined || turn?.value.runId === before) return [];
  const from = turn === undefined ? 0 : (turn.value.shard + 1) % SWEEP_SHARDS;
  const kept = keepByTurns(await waitingOf(catalog, before), run, from);
  const runId = String(run.at);
  if (kept === undefined || (await queryAll(catalog, { partition: `RUN#${runId}` })).length > 0) return [];
  const evenUsd = Usd.parse(run.limits.budgetUsd / SWEEP_SHARDS);
  const rows = kept.shards.map(({ kept: own, limits }, shard) => {
    const empty = { ...emptyRun({ runId, shard, limits, now }), evenUsd };
    return SweepRunRow.put(own === undefined ? empty : { ...empty, kept: own }, 'absent');
  });
  return [...rows, SweepTurnRow.put({ runId, shard: kept.first }, expectationOf(turn))];
}

/** Newest sweeps among which the one before stands; the moments of a schedule may be tried in any order. */
const NEWEST = 5;

async function sweepBefore(catalog: CatalogStore, at: EpochMs): Promise<string | undefined> {
  const { items } = await catalog.queryIndex('listing', { partition: 'STAGEDRUNS', limit: NEWEST, descending: true });
  const moments = items.map((item) => Number(SweepStageRow.parse(item).value.runId)).filter((moment) => moment < at);
  return moments.length === 0 ? undefined : String(Math.max(...moments));
}

async function waitingOf(catalog: CatalogStore, runId: string): Promise<readonly WaitingMove[]> {
  const ended = (await queryAll(catalog, { partition: `STAGES#${runId}` })).map(
    (item) => SweepStageRow.parse(item).value,
  );
  return ended.flatMap(({ shard, waits }) => (waits === undefined ? [] : [{ shard, ...waits }]));
}
