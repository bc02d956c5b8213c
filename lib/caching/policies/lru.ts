import type { Access, CachePolicy, Evictable, PolicyLimits } from '../policy.ts';
import { ObjectList } from '../structures/objectList.ts';

/** Evicts what was used longest ago. */
export class Lru implements CachePolicy {
  readonly name = 'lru';
  readonly #recency: ObjectList;

  constructor(limits: PolicyLimits) {
    this.#recency = new ObjectList(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (hit) this.#recency.moveToHead(access.object);
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    return this.#recency.oldestEvictable(evictable);
  }

  entered(access: Access): void {
    this.#recency.push(access.object);
  }

  left(object: number): void {
    this.#recency.remove(object);
  }
}
