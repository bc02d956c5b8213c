import { type Access, type CachePolicy, EVERYTHING_EVICTABLE, type Evictable, NO_OBJECT } from './policy.ts';
import { FloatColumn } from './structures/columns.ts';

/** `bypass`: a miss that is served without being kept. */
export type CacheOutcome = 'hit' | 'miss' | 'bypass';

export interface CacheOptions {
  readonly capacityBytes: number;
  readonly objects: number;
  readonly evictable?: Evictable;
  /** Called for every object that ceases to be resident. */
  readonly onLeft?: (object: number) => void;
}

const ABSENT = -1;
const IGNORE = (): void => {};

/**
 * The facts of one cache: what is resident and how many bytes it takes. It calls the policy in the order that `CachePolicy`
 * states, and holds three invariants: never above capacity, never an eviction that `evictable` forbids, and the size at
 * admission counts until the object leaves.
 */
export class Cache {
  readonly #policy: CachePolicy;
  readonly #capacity: number;
  readonly #evictable: Evictable;
  readonly #onLeft: (object: number) => void;
  readonly #resident: FloatColumn;
  #used = 0;

  constructor(policy: CachePolicy, options: CacheOptions) {
    this.#policy = policy;
    this.#capacity = options.capacityBytes;
    this.#evictable = options.evictable ?? EVERYTHING_EVICTABLE;
    this.#onLeft = options.onLeft ?? IGNORE;
    this.#resident = new FloatColumn(options.objects, ABSENT);
  }

  get policyName(): string {
    return this.#policy.name;
  }

  get usedBytes(): number {
    return this.#used;
  }

  has(object: number): boolean {
    return this.#resident.get(object) !== ABSENT;
  }

  access(access: Access): CacheOutcome {
    const hit = this.has(access.object);
    this.#policy.access(access, hit);
    if (hit) return 'hit';
    if (access.bytes > this.#capacity) return 'bypass';
    const bytesToFree = Math.max(0, this.#used + access.bytes - this.#capacity);
    if (!this.#policy.admit(access, bytesToFree, this.#evictable)) return 'bypass';
    if (!this.#makeRoom(access.bytes)) return 'bypass';
    this.#resident.set(access.object, access.bytes);
    this.#used += access.bytes;
    this.#policy.entered(access);
    return 'miss';
  }

  /** Takes out an object for a reason of the caller's: it was deleted, or its copy is broken. */
  remove(object: number): void {
    if (this.has(object)) this.#leave(object, false);
  }

  /** Takes an object out and out of the policy's memory: its number goes on to another one. */
  forget(object: number): void {
    this.remove(object);
    this.#policy.forget?.(object);
  }

  #makeRoom(bytes: number): boolean {
    while (this.#used + bytes > this.#capacity) {
      const victim = this.#policy.victim(this.#evictable);
      if (victim === NO_OBJECT) return false;
      this.#leave(victim, true);
    }
    return true;
  }

  #leave(object: number, evicted: boolean): void {
    this.#used -= this.#resident.get(object);
    this.#resident.set(object, ABSENT);
    this.#policy.left(object, evicted);
    this.#onLeft(object);
  }
}
