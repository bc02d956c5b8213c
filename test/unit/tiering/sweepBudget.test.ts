import { describe, expect, it } from 'vitest';
import { EpochMs } from '../../../lib/shared/units.ts';
import { reserve } from '../../../lib/tiering/sweepBudget.ts';

const begun = { runId: 'run-1', shard: 3, limits: { budgetUsd: 2, mostMoves: 1000 }, now: EpochMs.parse(0) };

/** Reserves one move after another; what each was answered. */
function reserved(usds: readonly number[], home: boolean, budgetUsd = 2): readonly string[] {
  let run: Parameters<typeof reserve>[0];
  return usds.map((usd) => {
    const answer = reserve(run, { ...begun, limits: { ...begun.limits, budgetUsd } }, { usd, bytes: 1, home });
    if (answer.outcome === 'refused') return answer.reason;
    run = answer.run;
    return 'reserved';
  });
}

describe('the dollars of ways home', () => {
  it('are ten budgets at most', () => {
    expect(reserved([7, 7, 7, 6, 1], true)).toEqual([
      'reserved',
      'reserved',
      'ways-home-spent',
      'reserved',
      'ways-home-spent',
    ]);
  });

  it('let the first one go whatever it costs', () => {
    expect(reserved([50, 1], true)).toEqual(['reserved', 'ways-home-spent']);
    expect(reserved([1, 1], true, 0)).toEqual(['reserved', 'ways-home-spent']);
  });

  it('are not for other moves', () => {
    expect(reserved([2, 1], false)).toEqual(['reserved', 'budget-spent']);
  });
});
