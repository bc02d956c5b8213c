/**
 * The one interface between a cache and its policy: the laboratory, what-if replay and the agent's disk use the same code.
 *
 * Objects are dense integers (`0 … objects-1`), so that a policy keeps its books in typed arrays; the agent and the laboratory number
 * their digests and names. The cache owns the facts (what is resident, how many bytes are used, what is leased or pinned), the
 * policy owns the opinion. Time is the count of accesses: a policy reads no clock and draws no randomness but from its seed.
 */
export interface Access {
  readonly object: number;
  readonly bytes: number;
  /** What a miss of this object costs, in the unit of the objective: 1, its bytes, seconds of wait, or dollars. */
  readonly missCost: number;
  /** The user group that asked, or `NO_GROUP`. */
  readonly group: number;
  /** Position of the next access to the same object, `Infinity` if there is none. Only offline policies read it. */
  readonly nextUse: number;
}

export const NO_GROUP = -1;
/** What `victim` answers when nothing may be evicted. */
export const NO_OBJECT = -1;

/** False for what a lease or a pin protects. Must not change while one access is being handled. */
export type Evictable = (object: number) => boolean;

export const EVERYTHING_EVICTABLE: Evictable = () => true;

/**
 * The order of calls for one access is fixed:
 * `access` always; on a miss of an object that fits `admit`; if that answers true, `victim` and `left` in turn until the
 * object fits, then `entered`. Besides that, `left(object, false)` may come at any time for a resident object.
 *
 * Guarantees: `victim` answers a resident, evictable object or `NO_OBJECT`, and is deterministic for equal histories and
 * seeds. No call keeps a reference to the access. Memory is bounded by `PolicyLimits.objects`.
 */
export interface CachePolicy {
  readonly name: string;
  /** Records an access. `hit` tells whether the object is resident. */
  access(access: Access, hit: boolean): void;
  /** Whether a missed object is worth `bytesToFree` bytes of what would have to leave (0 while there is room). */
  admit(access: Access, bytesToFree: number, evictable: Evictable): boolean;
  victim(evictable: Evictable): number;
  entered(access: Access): void;
  /** The object is no longer resident: `evicted` as the policy's victim, otherwise deleted from outside. */
  left(object: number, evicted: boolean): void;
  /**
   * The number goes on to another object, and nothing may remain of the one that had it, which is not resident (counts in a
   * sketch fade by themselves). Absent where nothing is remembered of what left.
   */
  forget?(object: number): void;
}

/** What a policy is built for. */
export interface PolicyLimits {
  readonly capacityBytes: number;
  /** Objects are numbered below this. */
  readonly objects: number;
  readonly seed: number;
}
