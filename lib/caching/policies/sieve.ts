import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { IntColumn } from '../structures/columns.ts';
import { ObjectList } from '../structures/objectList.ts';

/**
 * SIEVE (Zhang et al., NSDI 2024): a FIFO queue, one visited bit per object and a hand that walks from the oldest to the
 * newest, clears bits and evicts the first object without one. The hand stays where it stopped.
 */
export class Sieve implements CachePolicy {
  readonly name = 'sieve';
  readonly #queue: ObjectList;
  readonly #visited: IntColumn;
  #hand = NO_OBJECT;

  constructor(limits: PolicyLimits) {
    this.#queue = new ObjectList(limits.objects);
    this.#visited = new IntColumn(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (hit) this.#visited.set(access.object, 1);
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    // The first round clears every bit, so two rounds see every evictable object without one.
    for (let step = 2 * this.#queue.length; step > 0; step -= 1) {
      if (this.#hand === NO_OBJECT) this.#hand = this.#queue.oldest;
      const object = this.#hand;
      if (evictable(object)) {
        if (this.#visited.get(object) === 0) return object;
        this.#visited.set(object, 0);
      }
      this.#hand = this.#queue.newerThan(object);
    }
    return NO_OBJECT;
  }

  entered(access: Access): void {
    this.#queue.push(access.object);
    this.#visited.set(access.object, 0);
  }

  left(object: number): void {
    if (this.#hand === object) this.#hand = this.#queue.newerThan(object);
    this.#queue.remove(object);
  }
}
