import type { Access, CachePolicy, Evictable, PolicyLimits } from '../policy.ts';
import { NO_OBJECT } from '../policy.ts';
import { FloatColumn } from '../structures/columns.ts';
import { ObjectHeap } from '../structures/objectHeap.ts';
import { ObjectSet } from '../structures/objectSet.ts';

/** Offline: evicts what is used last, and never keeps what is not used again. Optimal where all objects have one size. */
export class Belady implements CachePolicy {
  readonly name = 'belady';
  readonly #soonestLast: ObjectHeap;

  constructor(limits: PolicyLimits) {
    this.#soonestLast = new ObjectHeap(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (hit) this.#soonestLast.set(access.object, -access.nextUse);
  }

  /** Refuses a newcomer that is used later than its first victim: keeping that victim instead can only help. */
  admit(access: Access, bytesToFree: number, evictable: Evictable): boolean {
    if (access.nextUse === Number.POSITIVE_INFINITY) return false;
    if (bytesToFree <= 0) return true;
    const victim = this.#soonestLast.min(evictable);
    return victim !== NO_OBJECT && -this.#soonestLast.keyOf(victim) > access.nextUse;
  }

  victim(evictable: Evictable): number {
    return this.#soonestLast.min(evictable);
  }

  entered(access: Access): void {
    this.#soonestLast.set(access.object, -access.nextUse);
  }

  left(object: number): void {
    this.#soonestLast.remove(object);
  }
}

/**
 * Offline heuristic for sizes: evicts the largest product of bytes and distance to the next use. Exact (a scan of what is
 * resident) where the reference simulator draws 128 samples. No bypass, as there, except of what is not used again.
 */
export class BeladySize implements CachePolicy {
  readonly name = 'belady-size';
  readonly #resident: ObjectSet;
  readonly #bytes: FloatColumn;
  readonly #nextUse: FloatColumn;
  #now = 0;

  constructor(limits: PolicyLimits) {
    this.#resident = new ObjectSet(limits.objects);
    this.#bytes = new FloatColumn(limits.objects);
    this.#nextUse = new FloatColumn(limits.objects);
  }

  access(access: Access): void {
    this.#now += 1;
    this.#nextUse.set(access.object, access.nextUse);
  }

  admit(access: Access): boolean {
    return access.nextUse !== Number.POSITIVE_INFINITY;
  }

  victim(evictable: Evictable): number {
    let victim = NO_OBJECT;
    let largest = Number.NEGATIVE_INFINITY;
    for (let position = 0; position < this.#resident.length; position += 1) {
      const object = this.#resident.at(position);
      const product = this.#bytes.get(object) * (this.#nextUse.get(object) - this.#now);
      if (product > largest && evictable(object)) {
        largest = product;
        victim = object;
      }
    }
    return victim;
  }

  entered(access: Access): void {
    this.#bytes.set(access.object, access.bytes);
    this.#resident.add(access.object);
  }

  left(object: number): void {
    this.#resident.remove(object);
  }
}
