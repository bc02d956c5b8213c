import type { Access, CachePolicy, Evictable, PolicyLimits } from '../policy.ts';
import { ObjectList } from '../structures/objectList.ts';

/** Evicts what entered first. */
export class Fifo implements CachePolicy {
  readonly name = 'fifo';
  readonly #arrival: ObjectList;

  constructor(limits: PolicyLimits) {
    this.#arrival = new ObjectList(limits.objects);
  }

  access(): void {}

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    return this.#arrival.oldestEvictable(evictable);
  }

  entered(access: Access): void {
    this.#arrival.push(access.object);
  }

  left(object: number): void {
    this.#arrival.remove(object);
  }
}
