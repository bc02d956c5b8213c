import type { Access, CachePolicy, Evictable, PolicyLimits } from '../policy.ts';
import { ByteQueue } from '../structures/byteQueue.ts';
import { FloatColumn, IntColumn } from '../structures/columns.ts';
import { ObjectHeap } from '../structures/objectHeap.ts';
import { ObjectList } from '../structures/objectList.ts';
import { SeededRandom } from '../structures/seededRandom.ts';

const LEARNING_RATE = 0.45;
/** A regret as old as the cache is deep weighs this much (the paper: discount = 0.005^(1/N) per request). */
const REGRET_AT_DEPTH = 0.005;

/**
 * LeCaR (Vietri et al., HotStorage 2018): each eviction follows LRU or LFU at random by weight; a miss of what an expert
 * evicted lately lowers that expert's weight. Each expert's history remembers as many bytes as the cache holds; N is the
 * number of resident objects.
 */
export class LeCar implements CachePolicy {
  readonly name = 'lecar';
  readonly #capacity: number;
  readonly #random: SeededRandom;
  readonly #recency: ObjectList;
  readonly #frequency: ObjectHeap;
  readonly #count: IntColumn;
  readonly #bytes: FloatColumn;
  readonly #leftAt: IntColumn;
  readonly #history: { readonly lru: ByteQueue; readonly lfu: ByteQueue };
  #lruWeight = 0.5;
  #now = 0;
  #chosenBy: 'lru' | 'lfu' | 'both' = 'both';

  constructor(limits: PolicyLimits) {
    const { objects } = limits;
    this.#capacity = limits.capacityBytes;
    this.#random = new SeededRandom(limits.seed);
    this.#recency = new ObjectList(objects);
    this.#frequency = new ObjectHeap(objects);
    this.#count = new IntColumn(objects);
    this.#bytes = new FloatColumn(objects);
    this.#leftAt = new IntColumn(objects);
    this.#history = { lru: new ByteQueue(objects, this.#bytes), lfu: new ByteQueue(objects, this.#bytes) };
  }

  access(access: Access, hit: boolean): void {
    this.#now += 1;
    const { object } = access;
    if (hit) {
      this.#recency.moveToHead(object);
      this.#frequency.set(object, this.#count.increment(object));
      return;
    }
    const { lru, lfu } = this.#history;
    if (lru.has(object)) {
      lru.remove(object);
      this.#regret(object, 'lru');
    } else if (lfu.has(object)) {
      lfu.remove(object);
      this.#regret(object, 'lfu');
    }
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    const oldest = this.#recency.oldestEvictable(evictable);
    const rarest = this.#frequency.min(evictable);
    const followLru = this.#random.fraction() < this.#lruWeight;
    this.#chosenBy = oldest === rarest ? 'both' : followLru ? 'lru' : 'lfu';
    return followLru ? oldest : rarest;
  }

  entered(access: Access): void {
    this.#bytes.set(access.object, access.bytes);
    this.#count.set(access.object, 1);
    this.#recency.push(access.object);
    this.#frequency.set(access.object, 1);
  }

  left(object: number, evicted: boolean): void {
    this.#recency.remove(object);
    this.#frequency.remove(object);
    // Where both experts agree there is nothing to learn from.
    if (!evicted || this.#chosenBy === 'both') return;
    const history = this.#history[this.#chosenBy];
    const bytes = this.#bytes.get(object);
    while (history.length > 0 && history.bytes + bytes > this.#capacity) history.remove(history.oldest);
    this.#leftAt.set(object, this.#now);
    history.push(object, bytes);
  }

  forget(object: number): void {
    const { lru, lfu } = this.#history;
    for (const history of [lru, lfu]) if (history.has(object)) history.remove(object);
  }

  #regret(object: number, expert: 'lru' | 'lfu'): void {
    const depth = Math.max(1, this.#recency.length);
    const regret = REGRET_AT_DEPTH ** ((this.#now - this.#leftAt.get(object)) / depth);
    const lfuWeight = 1 - this.#lruWeight;
    const raised = Math.exp(LEARNING_RATE * regret);
    const lru = expert === 'lfu' ? this.#lruWeight * raised : this.#lruWeight;
    const lfu = expert === 'lru' ? lfuWeight * raised : lfuWeight;
    this.#lruWeight = lru / (lru + lfu);
  }
}
