import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { IntColumn } from '../structures/columns.ts';
import { ObjectList } from '../structures/objectList.ts';

export interface FrequencyBiasOptions {
  readonly name: string;
  /** Weight of the frequency rank; the recency rank has the rest. */
  readonly bias: number;
}

/** Frequencies above this share one rank. */
const TOP_FREQUENCY = 65_535;

/**
 * LRU with frequency bias: evicts the lowest (1 − bias) × recency rank + bias × frequency rank. Ranks count from 0 (longest
 * unused, least used) over what is resident; objects of one frequency share the rank of the first of them.
 */
export class FrequencyBiasedLru implements CachePolicy {
  readonly name: string;
  readonly #bias: number;
  readonly #recency: ObjectList;
  readonly #frequency: IntColumn;
  /** Fenwick tree: how many resident objects have each frequency. */
  readonly #countByFrequency = new Int32Array(TOP_FREQUENCY + 1);

  constructor(limits: PolicyLimits, options: FrequencyBiasOptions) {
    this.name = options.name;
    this.#bias = options.bias;
    this.#recency = new ObjectList(limits.objects);
    this.#frequency = new IntColumn(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (!hit) return;
    this.#recency.moveToHead(access.object);
    const frequency = this.#frequency.get(access.object);
    if (frequency >= TOP_FREQUENCY) return;
    this.#count(frequency, -1);
    this.#count(this.#frequency.increment(access.object), 1);
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    let victim = NO_OBJECT;
    let lowest = Number.POSITIVE_INFINITY;
    let recencyRank = 0;
    let object = this.#recency.oldest;
    // Recency alone grows along the walk, so it may stop once that part exceeds the best whole score.
    while (object !== NO_OBJECT && (1 - this.#bias) * recencyRank < lowest) {
      if (evictable(object)) {
        const score = (1 - this.#bias) * recencyRank + this.#bias * this.#rankOf(this.#frequency.get(object));
        if (score < lowest) {
          lowest = score;
          victim = object;
        }
      }
      recencyRank += 1;
      object = this.#recency.newerThan(object);
    }
    return victim;
  }

  entered(access: Access): void {
    this.#recency.push(access.object);
    this.#frequency.set(access.object, 1);
    this.#count(1, 1);
  }

  left(object: number): void {
    this.#recency.remove(object);
    this.#count(this.#frequency.get(object), -1);
  }

  #count(frequency: number, change: number): void {
    for (let node = frequency; node <= TOP_FREQUENCY; node += node & -node) {
      this.#countByFrequency[node] = (this.#countByFrequency[node] ?? 0) + change;
    }
  }

  /** How many resident objects were used less often. */
  #rankOf(frequency: number): number {
    let rank = 0;
    for (let node = frequency - 1; node > 0; node -= node & -node) rank += this.#countByFrequency[node] ?? 0;
    return rank;
  }
}
