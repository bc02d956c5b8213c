import type { CacheOutcome } from '../cache.ts';
import type { Access } from '../policy.ts';

/** Gains within one part of a doubling are summed up. */
const PARTS_PER_DOUBLING = 64;

/** Hits of about the same gain per byte and access. */
interface Gains {
  byteSteps: number;
  cost: number;
}

/**
 * A lower bound on what the misses of a `ServingCache` cost under any policy, one that knows the future included: the relaxation of
 * PFOO-L (`pfooLowerBound`) for a cache that holds what was asked for last, in memory that does not grow with the accesses.
 *
 * The cache has C bytes, and each of the n accesses looks at what the one before it has left. If object o of b ≤ C bytes was asked for
 * by one access, it is there at the next look, whatever the policy is. An access hits only if its object stayed since the access to it
 * before, t accesses earlier, so b bytes at t looks, of which the first is spent anyway. All that is there at the n − 1 looks after the first
 * is at most C(n − 1) bytes. So the hits x, which are different intervals at each look, satisfy
 *
 *     Σ bᵢ(tᵢ − 1)xᵢ ≤ C(n − 1) − Σ b of what was asked for just before each look,
 *
 * and what they save is at most the fractional knapsack under that: the gains cᵢ ÷ bᵢ(tᵢ − 1) in descending order until the room is
 * spent. What was never asked for, was deleted since, or is larger than the cache, has to miss. Gains are summed up by parts of a doubling, and of the
 * one part that fits only partly the highest gain counts: the bound is less than 1.1 % of what is saved below the exact knapsack.
 *
 * Where what lies in the cache pays rent, a hit has paid that of its bytes since the access before, and a miss its cost: the lesser of both is paid
 * either way, and a hit saves only what its rent leaves.
 */
export class ServingBound {
  readonly #capacity: number;
  readonly #rentPerByteMs: number;
  /** The last access to each object that may still be there. */
  readonly #latest = new Map<number, { readonly position: number; readonly at: number }>();
  readonly #gains = new Map<number, Gains>();
  #accesses = 0;
  #roomByteSteps = 0;
  #last: { readonly object: number; readonly bytes: number } | undefined;
  #forcedCost = 0;

  /** `rentPerByteMs` in the unit of the accesses' `missCost`. */
  constructor(capacityBytes: number, rentPerByteMs = 0) {
    this.#capacity = capacityBytes;
    this.#rentPerByteMs = rentPerByteMs;
  }

  /** `hit` where some policy could have it there. An object keeps its size; `at` in milliseconds, for the rent. */
  access({ object, bytes, missCost }: Access, at = 0): CacheOutcome {
    if (this.#accesses > 0) this.#roomByteSteps += this.#capacity - (this.#last?.bytes ?? 0);
    const position = this.#accesses;
    this.#accesses += 1;
    if (bytes > this.#capacity) {
      this.#last = undefined;
      this.#forcedCost += missCost;
      return 'bypass';
    }
    this.#last = { object, bytes };
    const before = this.#latest.get(object);
    this.#latest.set(object, { position, at });
    if (before === undefined) {
      this.#forcedCost += missCost;
      return 'miss';
    }
    const eitherWay = Math.min(missCost, bytes * Math.max(0, at - before.at) * this.#rentPerByteMs);
    this.#forcedCost += eitherWay;
    this.#offer(bytes * (position - before.position - 1), missCost - eitherWay);
    return 'hit';
  }

  /** It was deleted or written anew: no cache has it any more. */
  left(object: number): void {
    this.#latest.delete(object);
    if (this.#last?.object === object) this.#last = undefined;
  }

  /** In the unit of the accesses' `missCost`. */
  leastCost(): number {
    let room = this.#roomByteSteps;
    let least = this.#forcedCost;
    for (const [part, { byteSteps, cost }] of [...this.#gains].sort(([one], [other]) => other - one)) {
      least += byteSteps <= room ? 0 : Math.max(0, cost - room * 2 ** ((part + 1) / PARTS_PER_DOUBLING));
      room = Math.max(0, room - byteSteps);
    }
    return least;
  }

  #offer(byteSteps: number, cost: number): void {
    if (byteSteps === 0 || cost === 0) return;
    const part = Math.floor(Math.log2(cost / byteSteps) * PARTS_PER_DOUBLING);
    const gains = this.#gains.get(part) ?? { byteSteps: 0, cost: 0 };
    gains.byteSteps += byteSteps;
    gains.cost += cost;
    this.#gains.set(part, gains);
  }
}
