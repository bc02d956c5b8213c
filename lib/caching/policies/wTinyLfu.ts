import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { ByteQueue } from '../structures/byteQueue.ts';
import { FloatColumn } from '../structures/columns.ts';
import { FrequencySketch } from '../structures/frequencySketch.ts';

/**
 * How a candidate from the window is compared with the main space:
 * - `one-victim`: with one victim, as in the original; what is larger than the window is not admitted at all;
 * - `aggregated`: with the summed frequency of all victims that it needs (AV of Einziger et al., 2022); what is larger than
 *   the window competes at once.
 */
export type TinyLfuAdmission = 'one-victim' | 'aggregated';

export interface WTinyLfuOptions {
  readonly name: string;
  /** The window's share of the capacity; Caffeine starts at 0.01. */
  readonly windowShare: number;
  readonly admission: TinyLfuAdmission;
}

/** The protected segment's share of the main space. */
const PROTECTED_SHARE = 0.8;

/**
 * W-TinyLFU (Einziger, Friedman, Manes, ACM TOS 2017): an LRU window in front of a segmented LRU; what falls out of the
 * window enters the main space only if a sketch has seen it more often than what would leave.
 */
export class WTinyLfu implements CachePolicy {
  readonly name: string;
  readonly #admission: TinyLfuAdmission;
  readonly #windowBytes: number;
  readonly #mainBytes: number;
  readonly #protectedBytes: number;
  readonly #bytes: FloatColumn;
  readonly #window: ByteQueue;
  readonly #probation: ByteQueue;
  readonly #protected: ByteQueue;
  readonly #sketch: FrequencySketch;

  constructor(limits: PolicyLimits, options: WTinyLfuOptions) {
    const { objects } = limits;
    this.name = options.name;
    this.#admission = options.admission;
    this.#windowBytes = Math.floor(limits.capacityBytes * options.windowShare);
    this.#mainBytes = limits.capacityBytes - this.#windowBytes;
    this.#protectedBytes = Math.floor(this.#mainBytes * PROTECTED_SHARE);
    this.#bytes = new FloatColumn(objects);
    this.#window = new ByteQueue(objects, this.#bytes);
    this.#probation = new ByteQueue(objects, this.#bytes);
    this.#protected = new ByteQueue(objects, this.#bytes);
    this.#sketch = new FrequencySketch(objects);
  }

  access(access: Access, hit: boolean): void {
    const { object } = access;
    this.#sketch.increment(object);
    if (!hit) return;
    if (this.#window.has(object)) this.#window.moveToHead(object);
    else if (this.#protected.has(object)) this.#protected.moveToHead(object);
    else this.#promote(object);
  }

  admit(access: Access, bytesToFree: number, evictable: Evictable): boolean {
    if (access.bytes <= this.#windowBytes) return true;
    if (this.#admission === 'one-victim') return false;
    return bytesToFree <= 0 || this.#worthMoreThanVictims(access.object, bytesToFree, evictable);
  }

  /**
   * Moves window objects into the main space while there is room or they win; the first loser leaves. A winner enters at
   * once and the main space then gives up what is too much, without another comparison.
   */
  victim(evictable: Evictable): number {
    let candidate = this.#window.oldest;
    while (candidate !== NO_OBJECT && this.#mainExcess() <= 0) {
      const next = this.#window.newerThan(candidate);
      const bytes = this.#bytes.get(candidate);
      const excess = this.#mainExcess() + bytes;
      if (excess <= 0 || this.#worthMoreThanVictims(candidate, excess, evictable)) {
        this.#window.remove(candidate);
        this.#probation.push(candidate, bytes);
      } else if (evictable(candidate)) {
        return candidate;
      }
      candidate = next;
    }
    const victim = this.#firstEvictable([this.#probation, this.#protected], evictable);
    return victim === NO_OBJECT ? this.#firstEvictable([this.#window], evictable) : victim;
  }

  entered(access: Access): void {
    const target = access.bytes <= this.#windowBytes ? this.#window : this.#probation;
    target.push(access.object, access.bytes);
  }

  left(object: number): void {
    for (const queue of [this.#window, this.#probation, this.#protected]) {
      if (queue.has(object)) queue.remove(object);
    }
  }

  #promote(object: number): void {
    this.#probation.remove(object);
    this.#protected.push(object, this.#bytes.get(object));
    while (this.#protected.bytes > this.#protectedBytes && this.#protected.length > 1) {
      const demoted = this.#protected.oldest;
      this.#protected.remove(demoted);
      this.#probation.push(demoted, this.#bytes.get(demoted));
    }
  }

  #mainExcess(): number {
    return this.#probation.bytes + this.#protected.bytes - this.#mainBytes;
  }

  #firstEvictable(queues: readonly ByteQueue[], evictable: Evictable): number {
    for (const queue of queues) {
      const object = queue.oldestEvictable(evictable);
      if (object !== NO_OBJECT) return object;
    }
    return NO_OBJECT;
  }

  #worthMoreThanVictims(candidate: number, bytesToFree: number, evictable: Evictable): boolean {
    const worth = this.#sketch.estimate(candidate);
    let frequency = 0;
    let freed = 0;
    for (const queue of [this.#probation, this.#protected]) {
      for (let object = queue.oldest; object !== NO_OBJECT; object = queue.newerThan(object)) {
        if (!evictable(object)) continue;
        frequency += this.#sketch.estimate(object);
        if (frequency >= worth) return false;
        freed += this.#bytes.get(object);
        if (this.#admission === 'one-victim' || freed >= bytesToFree) return true;
      }
    }
    return false;
  }
}
