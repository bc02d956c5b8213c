import { describe, expect, it } from 'vitest';
import type { ShardTurn } from '../../../lib/catalog/index.ts';
import { Digest } from '../../../lib/shared/ids.ts';
import { firstInTurn, type RefusedMove, turnAfter } from '../../../lib/tiering/turnInShard.ts';

const PART_USD = 1;
const moveOf = (first: string, usd: number): RefusedMove => ({ digest: Digest.parse(first.padEnd(64, '0')), usd });
const [a, c, e] = [moveOf('a', 2), moveOf('c', 3), moveOf('e', 2)];
const [b, d] = [moveOf('b', 1), moveOf('d', 0.5)];

/** What has the turns of a shard one after another while none of these goes, in whatever order they are met. */
function turns(moves: readonly RefusedMove[], count: number): readonly RefusedMove[] {
  let turn: ShardTurn | undefined;
  return Array.from({ length: count }, () => {
    let first: RefusedMove | undefined;
    for (const move of moves) first = firstInTurn(first, move, PART_USD, turn);
    turn = turnAfter(first!, PART_USD, turn);
    return first!;
  });
}

describe('the turns of what a shard has no dollars for', () => {
  it('go round by digest, whatever it costs', () => {
    for (const moves of [
      [a, c, e],
      [e, c, a],
    ])
      expect(turns(moves, 5)).toEqual([a, c, e, a, c]);
    expect(turns([b, d], 3)).toEqual([b, d, b]);
    expect(turns([a], 2)).toEqual([a, a]);
  });

  it('give what costs less than an equal part one in each round of the others', () => {
    const moves = [a, b, c, d, e];
    expect(turns(moves, 12)).toEqual([a, c, e, b, a, c, e, d, a, c, e, b]);
    expect(turns(moves.toReversed(), 12)).toEqual(turns(moves, 12));
  });
});
