import { type SweepRun, SWEEP_SHARDS } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';
import { Bytes, DAY_MS, EpochMs, Usd } from '../shared/units.ts';

/** What one run may cost and set going. */
export interface RunLimits {
  readonly budgetUsd: number;
  readonly mostMoves: number;
  /** Of a shard of a sweep: what the whole sweep may spend. */
  readonly wholeUsd?: number;
}

/**
 * How many times its budget a shard may spend on ways home. They rest on reads that hosts report; one host that reports too many must not be able
 * to bring everything home at once.
 */
const WAYS_HOME_TIMES = 10;

const REMEMBERED_MS = 90 * DAY_MS;

/** What is divided among shards, and the moment that is decided for. */
export interface DatedLimits {
  readonly limits: RunLimits;
  readonly at: EpochMs;
}

/** The part of one of the catalog's shards: together they are the run's limits. Moves that do not divide evenly go by turns, a shard further each day. */
export function shardLimits({ at, limits: { budgetUsd, mostMoves } }: DatedLimits, shard: number): RunLimits {
  const turn = (shard + SWEEP_SHARDS - (Math.floor(at / DAY_MS) % SWEEP_SHARDS)) % SWEEP_SHARDS;
  return {
    budgetUsd: budgetUsd / SWEEP_SHARDS,
    mostMoves: Math.floor(mostMoves / SWEEP_SHARDS) + (turn < mostMoves % SWEEP_SHARDS ? 1 : 0),
    wholeUsd: budgetUsd,
  };
}

export type Refusal =
  | 'budget-spent'
  /** It costs more than a whole sweep may spend. */
  | 'above-budget'
  | 'ways-home-spent'
  | 'rate-reached';

export type Reservation =
  | { readonly outcome: 'reserved'; readonly run: SweepRun }
  | { readonly outcome: 'refused'; readonly reason: Refusal };

interface BegunShard {
  readonly runId: string;
  readonly shard: number;
  readonly limits: RunLimits;
  readonly now: EpochMs;
}

/** A shard of a run that has set nothing going yet. */
export function emptyRun({ limits, now, runId, shard }: BegunShard): SweepRun {
  return {
    runId,
    shard,
    budgetUsd: Usd.parse(limits.budgetUsd),
    mostMoves: limits.mostMoves,
    reservedUsd: Usd.parse(0),
    moves: 0,
    movedBytes: Bytes.parse(0),
    startedAt: now,
    expiresAt: EpochMs.parse(now + REMEMBERED_MS),
  };
}

/** A move that is to be reserved. `home`: its price is covered already, by an account or by fees that were paid. */
export interface PricedMove {
  readonly digest: Digest;
  readonly usd: number;
  readonly bytes: number;
  readonly home: boolean;
}

/**
 * Takes a move out of what its run may still spend. The row that is written with the move keeps the limits that it began with. A way home
 * takes its turn among the moves, and nothing of the budget: what that would save by its waiting is lost many times over by the reads meanwhile.
 * All of them together have ten budgets; the first one goes whatever it costs, so that none waits for ever. What is kept for another move is out of reach;
 * what that does not need of it when it goes, nobody has, so that a run only ever spends more.
 */
export function reserve(run: SweepRun | undefined, begun: BegunShard, move: PricedMove): Reservation {
  const { kept, ...spent } = run ?? emptyRun(begun);
  const forOther = kept?.digest === move.digest ? undefined : kept;
  const homeUsd = spent.homeUsd ?? 0;
  const reservedUsd = spent.reservedUsd + (move.home ? 0 : move.usd);
  const refused = (reason: Refusal): Reservation => ({ outcome: 'refused', reason });
  if (!move.home && move.usd > (begun.limits.wholeUsd ?? Number.POSITIVE_INFINITY)) return refused('above-budget');
  if (spent.moves + (forOther === undefined ? 0 : 1) >= spent.mostMoves) return refused('rate-reached');
  if (move.home && homeUsd > 0 && homeUsd + move.usd > WAYS_HOME_TIMES * (spent.evenUsd ?? spent.budgetUsd))
    return refused('ways-home-spent');
  if (!move.home && reservedUsd > spent.budgetUsd - (forOther?.usd ?? 0)) return refused('budget-spent');
  const unneededUsd = forOther !== undefined || kept === undefined ? 0 : kept.usd - (reservedUsd - spent.reservedUsd);
  return {
    outcome: 'reserved',
    run: {
      ...spent,
      ...(forOther === undefined ? {} : { kept: forOther }),
      ...(unneededUsd > 0 ? { budgetUsd: Usd.parse(Math.max(reservedUsd, spent.budgetUsd - unneededUsd)) } : {}),
      ...(move.home ? { homeUsd: Usd.parse(homeUsd + move.usd) } : { reservedUsd: Usd.parse(reservedUsd) }),
      moves: spent.moves + 1,
      movedBytes: Bytes.parse(spent.movedBytes + move.bytes),
    },
  };
}
