import type { Access, CachePolicy, Evictable, PolicyLimits } from '../policy.ts';
import { IntColumn } from '../structures/columns.ts';
import { ObjectHeap } from '../structures/objectHeap.ts';

/** Evicts what was used least since it entered; among equals, what reached that count first. */
export class Lfu implements CachePolicy {
  readonly name = 'lfu';
  readonly #byCount: ObjectHeap;
  readonly #count: IntColumn;

  constructor(limits: PolicyLimits) {
    this.#byCount = new ObjectHeap(limits.objects);
    this.#count = new IntColumn(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (hit) this.#byCount.set(access.object, this.#count.increment(access.object));
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    return this.#byCount.min(evictable);
  }

  entered(access: Access): void {
    this.#count.set(access.object, 1);
    this.#byCount.set(access.object, 1);
  }

  left(object: number): void {
    this.#byCount.remove(object);
  }
}
