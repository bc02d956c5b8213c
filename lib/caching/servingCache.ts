import type { CacheOutcome } from './cache.ts';
import { type Access, type CachePolicy, EVERYTHING_EVICTABLE, type Evictable, NO_OBJECT } from './policy.ts';
import { FloatColumn } from './structures/columns.ts';

const ABSENT = -1;

/**
 * A cache that its clients read from, as they do from a host's disk: whatever is asked for has to be in it, so what the policy
 * refuses comes in all the same, as a guest. Guests leave first, the oldest before the others, and the policy knows nothing of
 * them; one that is asked for again while it is there is a hit, and is put to the policy once more.
 *
 * An agent takes the steps one by one, since bytes take their time: `ask`, then on a miss `victim` and `left` until there is
 * room, then `entered`. `access` takes them at once, for simulations. It holds what a `Cache` holds: never a victim that may
 * not leave, and with `access` never above capacity.
 */
export class ServingCache {
  readonly #policy: CachePolicy;
  readonly #capacity: number;
  readonly #bytes: FloatColumn;
  /** Oldest first. */
  readonly #guests = new Set<number>();
  /** Refused by the policy, and on their way in. */
  readonly #refused = new Set<number>();
  #usedBytes = 0;
  #guestBytes = 0;

  constructor(policy: CachePolicy, options: { readonly capacityBytes: number; readonly objects: number }) {
    this.#policy = policy;
    this.#capacity = options.capacityBytes;
    this.#bytes = new FloatColumn(options.objects, ABSENT);
  }

  get policyName(): string {
    return this.#policy.name;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  has(object: number): boolean {
    return this.#bytes.get(object) !== ABSENT;
  }

  isGuest(object: number): boolean {
    return this.#guests.has(object);
  }

  /** Records that an object was asked for. False: it is not here, and is to enter. */
  ask(access: Access): boolean {
    const { object, bytes } = access;
    const here = this.has(object);
    const guest = this.#guests.has(object);
    this.#policy.access(access, here && !guest);
    if (here && !guest) return true;
    const bytesToFree = guest ? 0 : Math.max(0, this.#usedBytes - this.#guestBytes + bytes - this.#capacity);
    const admitted = bytes <= this.#capacity && this.#policy.admit(access, bytesToFree, EVERYTHING_EVICTABLE);
    if (!here) {
      if (admitted) this.#refused.delete(object);
      else this.#refused.add(object);
    } else if (admitted) {
      this.#leaveGuests(object);
      this.#policy.entered(access);
    }
    return here;
  }

  /** What leaves next: a guest, else the policy's choice, or `NO_OBJECT`. */
  victim(evictable: Evictable = EVERYTHING_EVICTABLE): number {
    for (const guest of this.#guests) if (evictable(guest)) return guest;
    return this.#policy.victim(evictable);
  }

  /** The object is here now: as what the policy made of it when it was asked for; if nobody asked, as something to keep. */
  entered(access: Access): void {
    const { object, bytes } = access;
    if (this.has(object)) return;
    this.#bytes.set(object, bytes);
    this.#usedBytes += bytes;
    if (!this.#refused.delete(object)) {
      this.#policy.entered(access);
      return;
    }
    this.#guests.add(object);
    this.#guestBytes += bytes;
  }

  /** The object is no longer here, or does not come: `evicted` to make room, otherwise deleted from outside. */
  left(object: number, evicted: boolean): void {
    this.#refused.delete(object);
    if (!this.has(object)) return;
    const guest = this.#guests.has(object);
    if (guest) this.#leaveGuests(object);
    this.#usedBytes -= this.#bytes.get(object);
    this.#bytes.set(object, ABSENT);
    if (!guest) this.#policy.left(object, evicted);
  }

  /** The number goes on to another object; the one that had it is not here. */
  forget(object: number): void {
    this.#refused.delete(object);
    this.#policy.forget?.(object);
  }

  /** All steps at once. `bypass`: a guest, or not served at all because it is larger than the cache. */
  access(access: Access): CacheOutcome {
    if (this.ask(access)) return 'hit';
    if (access.bytes > this.#capacity) return 'bypass';
    while (this.#usedBytes + access.bytes > this.#capacity) {
      const victim = this.victim();
      if (victim === NO_OBJECT) return 'bypass';
      this.left(victim, true);
    }
    this.entered(access);
    return this.isGuest(access.object) ? 'bypass' : 'miss';
  }

  #leaveGuests(object: number): void {
    this.#guests.delete(object);
    this.#guestBytes -= this.#bytes.get(object);
  }
}
