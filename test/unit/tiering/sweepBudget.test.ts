import { describe, expect, it } from 'vitest';
import { type SweepRun, SWEEP_SHARDS } from '../../../lib/catalog/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { DAY_MS, EpochMs, Usd } from '../../../lib/shared/units.ts';
import { emptyRun, type PricedMove, reserve, shardLimits } from '../../../lib/tiering/sweepBudget.ts';

const digest = Digest.parse('a'.repeat(64));
const begun = { runId: 'run-1', shard: 3, limits: { budgetUsd: 2, mostMoves: 1000 }, now: EpochMs.parse(0) };

/** Reserves one move after another; what each was answered. */
function reserved(usds: readonly number[], home: boolean, budgetUsd = 2): readonly string[] {
  let run: Parameters<typeof reserve>[0];
  return usds.map((usd) => {
    const answer = reserve(run, { ...begun, limits: { ...begun.limits, budgetUsd } }, { digest, usd, bytes: 1, home });
    if (answer.outcome === 'refused') return answer.reason;
    run = answer.run;
    return 'reserved';
  });
}

describe('the parts of shards', () => {
  const limits = { budgetUsd: 1000, mostMoves: 3 };
  const days = Array.from({ length: SWEEP_SHARDS }, (_, day) =>
    Array.from({ length: SWEEP_SHARDS }, (_part, shard) =>
      shardLimits({ limits, at: EpochMs.parse((20_412.5 + day) * DAY_MS) }, shard),
    ),
  );

  it('are the limits of the run on every day', () => {
    for (const parts of days) {
      expect(parts.reduce((sum, { budgetUsd }) => sum + budgetUsd, 0)).toBe(limits.budgetUsd);
      expect(parts.reduce((sum, { mostMoves }) => sum + mostMoves, 0)).toBe(limits.mostMoves);
    }
  });

  it('give each shard an equal part of the dollars, and its turn at a few moves within sixteen days', () => {
    for (let shard = 0; shard < SWEEP_SHARDS; shard += 1) {
      const ofShard = days.map((parts) => parts[shard]);
      expect(ofShard.filter((part) => part?.mostMoves === 1)).toHaveLength(limits.mostMoves);
      for (const part of ofShard) expect(part?.budgetUsd).toBe(limits.budgetUsd / SWEEP_SHARDS);
    }
  });
});

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

describe('what is kept for a move', () => {
  const run = {
    ...emptyRun({ ...begun, limits: { budgetUsd: 3, mostMoves: 5 } }),
    kept: { digest, usd: Usd.parse(2) },
  };
  const other = { digest: Digest.parse('b'.repeat(64)), usd: 1.1, bytes: 1, home: false };
  const limits = { budgetUsd: 3, mostMoves: 5 };
  const answers = (moves: readonly PricedMove[]): readonly string[] => {
    let now: SweepRun = run;
    return moves.map((move) => {
      const answer = reserve(now, { ...begun, limits }, move);
      if (answer.outcome === 'refused') return answer.reason;
      now = answer.run;
      return String(now.budgetUsd);
    });
  };

  it('is nobody else’s, also where it has cost less than was kept, or nothing', () => {
    for (const home of [false, true]) {
      const own = { digest, usd: 1.5, bytes: 1, home };
      expect(answers([other, own, other, { ...other, usd: 1 }])).toEqual([
        'budget-spent',
        home ? '1' : '2.5',
        'budget-spent',
        home ? '1' : '2.5',
      ]);
    }
  });

  it('is taken out of the rest where it costs more', () => {
    expect(
      answers([
        { digest, usd: 2.5, bytes: 1, home: false },
        { ...other, usd: 1 },
      ]),
    ).toEqual(['3', 'budget-spent']);
  });
});
