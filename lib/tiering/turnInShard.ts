import type { ShardTurn } from '../catalog/index.ts';
import type { Digest } from '../shared/ids.ts';

/** A move that a shard of a sweep had no dollars for. */
export interface RefusedMove {
  readonly digest: Digest;
  readonly usd: number;
}

/**
 * Which of the two has its turn first. What costs more than the shard's equal part, and so goes in no other way, in the order of digests; when all of
 * that had a turn, one of the others, and again from the start. So a move that fails each time holds up no other, and a crowd of cheap ones no dear one.
 */
export function firstInTurn(
  one: RefusedMove | undefined,
  other: RefusedMove,
  partUsd: number,
  turn: ShardTurn = {},
): RefusedMove {
  if (one === undefined) return other;
  const [rank, otherRank] = [rankOf(one, partUsd, turn), rankOf(other, partUsd, turn)];
  if (rank !== otherRank) return rank < otherRank ? one : other;
  return one.digest <= other.digest ? one : other;
}

/** How far a shard is once dollars of it are kept for this move. */
export function turnAfter({ digest, usd }: RefusedMove, partUsd: number, turn: ShardTurn = {}): ShardTurn {
  return usd > partUsd ? { ...turn, dear: digest } : { other: digest };
}

function rankOf({ digest, usd }: RefusedMove, partUsd: number, { dear, other }: ShardTurn): number {
  if (usd > partUsd) return dear === undefined || digest > dear ? 0 : 3;
  return other === undefined || digest > other ? 1 : 2;
}
