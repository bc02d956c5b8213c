import type { Access, CachePolicy, Evictable, PolicyLimits } from '../policy.ts';
import { FloatColumn, IntColumn } from '../structures/columns.ts';
import { ObjectHeap } from '../structures/objectHeap.ts';

/** Value of one access to an object, to be kept in the cache per unit of the aged clock. */
export type Worth = (access: Access, bytesAtAdmission: number) => number;

export interface GreedyDualOptions {
  readonly name: string;
  readonly worth: Worth;
}

/**
 * The greedy-dual family (Cherkasova 1998): priority = clock + frequency × worth, and the clock jumps to the priority of
 * each victim, so what is no longer used ages away.
 *
 * - LFU-DA: worth 1
 * - GDSF: worth 1 / bytes (the paper's object-hit variant)
 * - GDSF with cost: worth cost of a miss / bytes
 */
export class GreedyDual implements CachePolicy {
  readonly name: string;
  readonly #worth: Worth;
  readonly #priority: ObjectHeap;
  readonly #frequency: IntColumn;
  readonly #bytes: FloatColumn;
  #clock = 0;

  constructor(limits: PolicyLimits, options: GreedyDualOptions) {
    this.name = options.name;
    this.#worth = options.worth;
    this.#priority = new ObjectHeap(limits.objects);
    this.#frequency = new IntColumn(limits.objects);
    this.#bytes = new FloatColumn(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (hit) this.#rank(access, this.#frequency.increment(access.object));
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    return this.#priority.min(evictable);
  }

  entered(access: Access): void {
    this.#bytes.set(access.object, access.bytes);
    this.#frequency.set(access.object, 1);
    this.#rank(access, 1);
  }

  left(object: number, evicted: boolean): void {
    // A victim taken over a pinned smaller one can lie above the clock only, never below: the clock does not run back.
    if (evicted) this.#clock = Math.max(this.#clock, this.#priority.keyOf(object));
    this.#priority.remove(object);
  }

  #rank(access: Access, frequency: number): void {
    const worth = this.#worth(access, this.#bytes.get(access.object));
    this.#priority.set(access.object, this.#clock + frequency * worth);
  }
}
