import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { FloatColumn, IntColumn } from '../structures/columns.ts';
import { ByteQueue } from '../structures/byteQueue.ts';

export interface S3FifoOptions {
  readonly name: string;
  /** The small queue's share of the capacity; the paper uses 0.1. */
  readonly smallShare: number;
}

const MAX_FREQUENCY = 3;
/** Hits in the small queue that earn a place in the main one ("accessed more than once"). */
const PROMOTION_HITS = 2;
/** Bytes that the ghost queue remembers, as a share of the capacity: as many as the main queue holds by default. */
const GHOST_SHARE = 0.9;

/**
 * S3-FIFO (Yang et al., SOSP 2023): newcomers enter a small queue; what is hit twice there moves to the main queue, the
 * rest leaves and is remembered in a ghost queue, from where a miss enters the main queue directly. The main queue gives
 * an object one more round per hit. The paper counts objects; here every queue counts bytes, and an object larger than the
 * small queue is never admitted (as in the authors' simulator), which is what breaks the default share on multi-GB objects.
 */
export class S3Fifo implements CachePolicy {
  readonly name: string;
  readonly #smallBytes: number;
  readonly #mainBytes: number;
  readonly #ghostBytes: number;
  readonly #small: ByteQueue;
  readonly #main: ByteQueue;
  readonly #ghost: ByteQueue;
  readonly #frequency: IntColumn;
  readonly #bytes: FloatColumn;
  #remembered = false;

  constructor(limits: PolicyLimits, options: S3FifoOptions) {
    this.name = options.name;
    this.#smallBytes = Math.floor(limits.capacityBytes * options.smallShare);
    this.#mainBytes = limits.capacityBytes - this.#smallBytes;
    this.#ghostBytes = Math.floor(limits.capacityBytes * GHOST_SHARE);
    this.#bytes = new FloatColumn(limits.objects);
    this.#small = new ByteQueue(limits.objects, this.#bytes);
    this.#main = new ByteQueue(limits.objects, this.#bytes);
    this.#ghost = new ByteQueue(limits.objects, new FloatColumn(limits.objects));
    this.#frequency = new IntColumn(limits.objects);
  }

  access(access: Access, hit: boolean): void {
    if (hit) {
      this.#frequency.increment(access.object);
      return;
    }
    this.#remembered = this.#ghost.has(access.object);
    if (this.#remembered) this.#ghost.remove(access.object);
  }

  admit(access: Access): boolean {
    return access.bytes < this.#smallBytes;
  }

  victim(evictable: Evictable): number {
    const fromMain = this.#main.bytes > this.#mainBytes || this.#small.length === 0;
    const first = fromMain ? this.#mainVictim(evictable) : this.#smallVictim(evictable);
    if (first !== NO_OBJECT) return first;
    return fromMain ? this.#smallVictim(evictable) : this.#mainVictim(evictable);
  }

  entered(access: Access): void {
    this.#frequency.set(access.object, 0);
    (this.#remembered ? this.#main : this.#small).push(access.object, access.bytes);
  }

  left(object: number, evicted: boolean): void {
    if (this.#main.has(object)) {
      this.#main.remove(object);
      return;
    }
    this.#small.remove(object);
    if (!evicted) return;
    const bytes = this.#bytes.get(object);
    while (this.#ghost.length > 0 && this.#ghost.bytes + bytes > this.#ghostBytes) {
      this.#ghost.remove(this.#ghost.oldest);
    }
    if (bytes <= this.#ghostBytes) this.#ghost.push(object, bytes);
  }

  forget(object: number): void {
    if (this.#ghost.has(object)) this.#ghost.remove(object);
  }

  /** Promotes what was hit often enough on the way to the first object that was not. */
  #smallVictim(evictable: Evictable): number {
    let object = this.#small.oldest;
    while (object !== NO_OBJECT) {
      const newer = this.#small.newerThan(object);
      if (this.#frequency.get(object) >= PROMOTION_HITS) {
        this.#small.remove(object);
        this.#frequency.set(object, 0);
        this.#main.push(object, this.#bytes.get(object));
      } else if (evictable(object)) {
        return object;
      }
      object = newer;
    }
    return this.#main.length === 0 ? NO_OBJECT : this.#mainVictim(evictable);
  }

  #mainVictim(evictable: Evictable): number {
    // An object survives at most MAX_FREQUENCY rounds, so one more round finds every evictable one.
    for (let step = (MAX_FREQUENCY + 1) * this.#main.length; step > 0; step -= 1) {
      const object = this.#main.oldest;
      const frequency = this.#frequency.get(object);
      if (frequency === 0 && evictable(object)) return object;
      this.#frequency.set(object, Math.max(0, Math.min(frequency, MAX_FREQUENCY) - 1));
      this.#main.remove(object);
      this.#main.push(object, this.#bytes.get(object));
    }
    return NO_OBJECT;
  }
}
