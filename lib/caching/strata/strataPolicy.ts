import { Cache } from '../cache.ts';
import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { FloatColumn } from '../structures/columns.ts';
import { ObjectSet } from '../structures/objectSet.ts';
import { SeededRandom } from '../structures/seededRandom.ts';
import type { TreesState } from './boostedTrees.ts';
import { ObjectHistory } from './objectHistory.ts';
import { ReuseModel, SHORTEST_HORIZON } from './reuseModel.ts';
import { ValuePolicy } from './valuePolicy.ts';

export interface StrataOptions {
  /** What the reuse model knows before it has seen an access. */
  readonly prior?: TreesState;
  /** Features that the model may not see (`CONTEXT_FEATURES`), to measure what they bring. */
  readonly blank?: readonly number[];
  /** Simple policies that lead whenever they would have done better of late. */
  readonly rivals: readonly ((limits: PolicyLimits) => CachePolicy)[];
}

/** The horizon in accesses is the number of objects that fit, over this. */
const RESIDENTS_PER_HORIZON = 2;
/** Up to so many times its own horizon the prior still beats a model that starts from nothing. */
const PRIOR_REACH = 4;
/** Moments that the model learns from. */
const SAMPLES = 20_000;
/** Accesses after which a ghost's missed cost counts half, in the ledger of late and in the long one. */
const HALF_LIVES = { recent: 4_000, long: 50_000 };
/** A ghost takes the lead when its missed cost is below this share of the leader's in both ledgers. */
const TAKE_OVER = 0.85;
/** Residents that are weighed where only pinned objects keep the leader's choice from fitting. */
const FALLBACK_DRAWS = 512;

/** Before so many accesses a lead is mostly luck. */
const FIRST_ELECTION = 2_000;
const KEPT = { recent: 2 ** (-1 / HALF_LIVES.recent), long: 2 ** (-1 / HALF_LIVES.long) };

export interface Judgement {
  readonly uses: number;
  /** Since the last use. */
  readonly accessesAgo: number;
  /** E[h ÷ (h + d)], d being the accesses until the next use and h the model's horizon. */
  readonly useOdds: number;
  /** Whether the contender that leads would have it in the cache. */
  readonly kept: boolean;
}

interface Ghost {
  readonly cache: Cache;
  readonly missed: { recent: number; long: number };
}

/**
 * The `strata` policy. Life cycle of one access: every contender (the value policies over the shared history, and the
 * rivals) sees it in a ghost cache, which holds no bytes, only who would be resident. One contender leads, and the real
 * cache becomes what the leader's ghost is: it admits what is in the ghost and evicts what is not. The model leads first; a
 * rival takes over where it would have missed less than `TAKE_OVER` times as much both of late and over the long run. The
 * margin is wide on purpose: a real cache that changes leaders must first fetch what the other one keeps, and on traces
 * whose phases alternate a nimble follower pays that again and again. So where one rival stays better, the miss cost comes to at most
 * 1 / TAKE_OVER of its cost, plus what was missed before the election and one refill of the cache. That is no bound for every
 * trace: against costs that turn on each leader in its turn, no deterministic follower of two stays below twice the better one's.
 */
export class StrataPolicy implements CachePolicy {
  readonly name = 'strata';
  readonly #history: ObjectHistory;
  readonly #model: ReuseModel;
  readonly #random: SeededRandom;
  /** What the model would keep: the first of the contenders. */
  readonly #valued: ValuePolicy;
  readonly #ghosts: readonly Ghost[];
  readonly #resident: ObjectSet;
  /** Resident, but not in the leader's ghost. */
  readonly #strangers: ObjectSet;
  readonly #missCost: FloatColumn;
  #leader: Ghost;
  #horizonDue = true;

  constructor(limits: PolicyLimits, options: StrataOptions) {
    const { objects, seed } = limits;
    this.#history = new ObjectHistory(objects, options.blank);
    const { prior } = options;
    this.#model = new ReuseModel(this.#history, {
      objects,
      samples: SAMPLES,
      ...(prior === undefined ? {} : { prior }),
    });
    this.#random = new SeededRandom(seed);
    this.#resident = new ObjectSet(objects);
    this.#strangers = new ObjectSet(objects);
    this.#missCost = new FloatColumn(objects);
    const expectedUse = (object: number): number => this.#expectedUse(object);
    this.#valued = new ValuePolicy(limits, { name: 'model', expectedUse });
    const habit = new ValuePolicy(limits, { name: 'habit', expectedUse: (object) => this.#habit(object) });
    const contenders = [this.#valued, habit, ...options.rivals.map((create) => create(limits))];
    const [first, ...others] = contenders.map((policy) => this.#ghost(policy, limits));
    if (first === undefined) throw new RangeError('there is always the model');
    this.#ghosts = [first, ...others];
    this.#leader = first;
  }

  /** Name of the contender that decides now. */
  get leader(): string {
    return this.#leader.cache.policyName;
  }

  /** What is known of an object at this moment, to explain a decision with. */
  judgementOf(object: number): Judgement {
    const habit = this.#habit(object);
    return {
      uses: this.#history.usesOf(object),
      accessesAgo: this.#history.ageOf(object),
      useOdds: this.#model.ready ? this.#model.estimate(object) : habit / (1 + habit),
      kept: this.#leader.cache.has(object),
    };
  }

  access(access: Access): void {
    const { object } = access;
    this.#model.used(object);
    this.#history.record(access);
    this.#missCost.set(object, access.missCost);
    for (const ghost of this.#ghosts) {
      const missed = ghost.cache.access(access) === 'hit' ? 0 : access.missCost;
      ghost.missed.recent = ghost.missed.recent * KEPT.recent + missed;
      ghost.missed.long = ghost.missed.long * KEPT.long + missed;
    }
    if (this.#leader.cache.has(object)) this.#strangers.remove(object);
    if (this.#history.now % this.#model.sampleEvery === 0) {
      this.#model.sample(object);
      const kept = this.#valued.draw();
      if (kept !== NO_OBJECT) this.#model.sample(kept);
    }
    this.#model.refitIfDue();
    this.#elect();
  }

  /** Free room is always used: what only fills it is the first to leave. */
  admit(access: Access, bytesToFree: number): boolean {
    return bytesToFree <= 0 || this.#leader.cache.has(access.object);
  }

  victim(evictable: Evictable): number {
    for (let position = 0; position < this.#strangers.length; position += 1) {
      const object = this.#strangers.at(position);
      if (evictable(object)) return object;
    }
    return this.#leastValued(evictable);
  }

  entered(access: Access): void {
    this.#resident.add(access.object);
    if (!this.#leader.cache.has(access.object)) this.#strangers.add(access.object);
  }

  left(object: number, evicted: boolean): void {
    this.#resident.remove(object);
    this.#strangers.remove(object);
    if (evicted) return;
    for (const ghost of this.#ghosts) ghost.cache.remove(object);
  }

  forget(object: number): void {
    this.#history.forget(object);
    this.#model.forget(object);
    for (const ghost of this.#ghosts) ghost.cache.forget(object);
  }

  /** Once, when the cache is full for the first time: how many objects fit tells how long they will stay. */
  #setHorizon(): void {
    this.#horizonDue = false;
    const wanted = this.#valued.residents / RESIDENTS_PER_HORIZON;
    if (wanted > PRIOR_REACH * SHORTEST_HORIZON) this.#model.lookAhead(2 ** Math.round(Math.log2(wanted)));
  }

  #ghost(policy: CachePolicy, limits: PolicyLimits): Ghost {
    const onLeft = (object: number): void => {
      if (this.#horizonDue) this.#setHorizon();
      if (this.#leader === ghost && this.#resident.has(object)) this.#strangers.add(object);
    };
    const ghost = { cache: new Cache(policy, { ...limits, onLeft }), missed: { recent: 0, long: 0 } };
    return ghost;
  }

  #elect(): void {
    if (this.#history.now < FIRST_ELECTION) return;
    const { recent, long } = this.#leader.missed;
    let best = this.#leader;
    for (const ghost of this.#ghosts) {
      const better = ghost.missed.recent < TAKE_OVER * recent && ghost.missed.long < TAKE_OVER * long;
      if (better && ghost.missed.long < best.missed.long) best = ghost;
    }
    if (best === this.#leader) return;
    this.#leader = best;
    for (let position = 0; position < this.#resident.length; position += 1) {
      const object = this.#resident.at(position);
      if (best.cache.has(object)) this.#strangers.remove(object);
      else this.#strangers.add(object);
    }
  }

  #expectedUse(object: number): number {
    return this.#model.ready ? this.#model.odds(object) : this.#habit(object);
  }

  /** What served without a model: use grows with the root of the count and falls with the age. */
  #habit(object: number): number {
    return Math.sqrt(this.#history.usesOf(object)) / (this.#history.ageOf(object) + 1) ** 0.75;
  }

  #anyResident(): number {
    return this.#resident.at(this.#random.integer(this.#resident.length));
  }

  #leastValued(evictable: Evictable): number {
    let least = NO_OBJECT;
    let lowest = Number.POSITIVE_INFINITY;
    const few = this.#resident.length <= FALLBACK_DRAWS;
    for (let draw = 0; draw < Math.min(FALLBACK_DRAWS, this.#resident.length); draw += 1) {
      const object = few ? this.#resident.at(draw) : this.#anyResident();
      const density = (this.#expectedUse(object) * this.#missCost.get(object)) / this.#history.bytesOf(object);
      if (density >= lowest || !evictable(object)) continue;
      least = object;
      lowest = density;
    }
    return least === NO_OBJECT ? this.#firstEvictable(evictable) : least;
  }

  #firstEvictable(evictable: Evictable): number {
    for (let position = 0; position < this.#resident.length; position += 1) {
      if (evictable(this.#resident.at(position))) return this.#resident.at(position);
    }
    return NO_OBJECT;
  }
}
