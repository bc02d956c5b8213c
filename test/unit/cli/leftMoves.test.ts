import { describe, expect, it } from 'vitest';
import { leftMoves, leftText } from '../../../cli/plan/leftMoves.ts';
import type { OperationOutput } from '../../../lib/operations/index.ts';
import { Bytes, EpochMs, Usd } from '../../../lib/shared/units.ts';

type Run = OperationOutput<'listRuns'>['items'][number];

function sweep(runId: string, moves: number, left: number, shards = 16): Run {
  const stage = { stage: 'lifecycle' as const, shards, of: 16, blobs: 0, moves, bytes: 0, placements: 0 };
  return {
    runId,
    by: 'sweep',
    startedAt: EpochMs.parse(0),
    moves,
    bytes: Bytes.parse(0),
    reservedUsd: Usd.parse(0),
    budgetUsd: Usd.parse(0),
    stages: [{ ...stage, left, leftUsd: left / 10 }],
  };
}

const plan: Run = { ...sweep('plan-1', 5, 0), by: 'plan', stages: undefined };
const among = (...items: readonly Run[]) => leftMoves({ listRuns: async () => ({ items: [...items] }) });

describe('what strata plan says of moves that a sweep has left', () => {
  it('is that of the latest sweep that has ended, and how many more it takes', async () => {
    const left = await among(plan, sweep('300', 0, 9, 15), sweep('200', 4, 10), sweep('100', 1, 99));
    expect(left).toEqual({ runId: '200', moves: 10, usd: 1, tooDear: 0, gone: 4 });
    expect(leftText(left!)).toBe(
      'The sweep 200 left 10 moves ($1.00) to the next ones, as it might spend or set going no more: about 3 more of its kind take them; what costs more than a sixteenth of sweepBudgetUsd goes by turns, in every second sweep one of a shard at most (sweepBudgetUsd, sweepMostMoves; strata sweeps 200)\n',
    );
    expect(leftText({ ...left!, gone: 0 })).toContain(': none went; what costs more than a sixteenth');
    expect(leftText({ ...left!, tooDear: 2 })).toContain(
      '; 2 of them cost more than all of sweepBudgetUsd: they go when that is raised, or by `strata plan --apply --max-cost` (',
    );
  });

  it('is nothing where it has left nothing, or none has ended', async () => {
    expect(await among(sweep('200', 4, 0), sweep('100', 1, 99))).toBeUndefined();
    expect(await among(plan)).toBeUndefined();
  });
});
