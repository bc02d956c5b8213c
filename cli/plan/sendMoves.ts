import { shardOf, SWEEP_SHARDS } from '../../lib/catalog/index.ts';
import type { Digest } from '../../lib/shared/ids.ts';

/** After so many failures where nothing has succeeded. */
const GIVE_UP = 5;

/**
 * Sends moves, those of one shard of the catalog one after another in their order, and all shards at once: moves of a shard share a row, and
 * would get in each other's way. One that fails leaves the others; a plane that fails the first ones answers nobody, and its error is thrown.
 */
export async function sendMoves<Move extends { readonly digest: Digest }>(
  moves: readonly Move[],
  send: (move: Move) => Promise<string>,
  on: { readonly sent: () => void; readonly failed: (move: Move, error: unknown) => string },
): Promise<ReadonlyMap<string, number>> {
  const lanes = Array.from({ length: SWEEP_SHARDS }, (): Move[] => []);
  for (const move of moves) lanes[shardOf(move.digest, SWEEP_SHARDS)]?.push(move);
  const counts = new Map<string, number>();
  let [succeeded, failures] = [0, 0];
  let gaveUp: { readonly because: unknown } | undefined;

  async function outcomeOf(move: Move): Promise<string> {
    try {
      const outcome = await send(move);
      succeeded += 1;
      return outcome;
    } catch (error) {
      failures += 1;
      if (succeeded === 0 && failures >= GIVE_UP) gaveUp = { because: error };
      return on.failed(move, error);
    }
  }

  await Promise.all(
    lanes.map(async (lane) => {
      for (const move of lane) {
        if (gaveUp !== undefined) return;
        const outcome = await outcomeOf(move);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        on.sent();
      }
    }),
  );
  if (gaveUp !== undefined) throw gaveUp.because;
  return counts;
}
