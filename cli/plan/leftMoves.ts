import type { Operations } from '../../lib/operations/index.ts';
import { formatCount } from '../../lib/shared/formatCount.ts';
import { formatUsd, Usd } from '../../lib/shared/units.ts';

/** Sweeps among which the latest one is that has ended. */
const RUNS = 10;

/** Moves that a sweep has found and left to the next one, as it may spend or set going no more. */
export interface LeftMoves {
  readonly runId: string;
  readonly moves: number;
  /** What they would take of a budget. */
  readonly usd: number;
  /** Of them, those that cost more than a whole sweep may spend. */
  readonly tooDear: number;
  /** Set going by the same sweep: as many go with each one. */
  readonly gone: number;
}

/** Of the latest sweep that has ended; undefined where it has left nothing. */
export async function leftMoves(operations: Pick<Operations, 'listRuns'>): Promise<LeftMoves | undefined> {
  const { items } = await operations.listRuns({ limit: RUNS });
  for (const { moves: gone, runId, stages } of items) {
    const last = stages?.at(-1);
    if (last === undefined || last.shards < last.of) continue;
    return last.left === 0
      ? undefined
      : { runId, moves: last.left, usd: last.leftUsd, tooDear: last.tooDear ?? 0, gone };
  }
  return undefined;
}

export function leftText({ gone, moves, runId, tooDear, usd }: LeftMoves): string {
  const sweeps = gone === 0 ? 'none went' : `about ${Math.ceil(moves / gone)} more of its kind take them`;
  const dear =
    tooDear === 0
      ? ''
      : `; ${tooDear} of them cost more than all of sweepBudgetUsd: they go when that is raised, or by \`strata plan --apply --max-cost\``;
  return (
    `The sweep ${runId} left ${formatCount(moves, 'move')} (${formatUsd(Usd.parse(usd))}) to the next ones, as it might spend or set going no more: ` +
    `${sweeps}; what costs more than a sixteenth of sweepBudgetUsd goes by turns, in every second sweep one of a shard at most${dear} (sweepBudgetUsd, sweepMostMoves; strata sweeps ${runId})\n`
  );
}
