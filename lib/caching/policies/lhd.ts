import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { FloatColumn, IntColumn } from '../structures/columns.ts';
import { ObjectSet } from '../structures/objectSet.ts';
import { SeededRandom } from '../structures/seededRandom.ts';

const CLASSES = 16;
const AGES = 2_048;
const SAMPLES = 32;
const RECENT_ADMISSIONS = 8;
const DECAY = 0.9;
/** Accesses between two refits. The authors' 2^20 never refits on traces as short as ours. */
const REFIT_EVERY = 4_096;
/** One coarse age step is this share of the resident count over `AGES` (the authors' error tolerance). */
const COARSENING = 0.01;
/** One access in this many makes its object an explorer, which is never a victim, from this share of the capacity. */
const EXPLORE_ONE_IN = 32;
const EXPLORER_SHARE = 0.01;

/**
 * LHD (Beckmann, Chen, Cidon, NSDI 2018): evicts the lowest expected hits per byte and time. Hit density by coarsened age
 * and class (how old the object was at its last two hits) is refitted from decayed histograms of hits and evictions;
 * victims are sampled, with the last unpromising admissions among the samples.
 */
export class Lhd implements CachePolicy {
  readonly name = 'lhd';
  readonly #random: SeededRandom;
  readonly #resident: ObjectSet;
  readonly #bytes: FloatColumn;
  readonly #usedAt: IntColumn;
  readonly #lastHitAge: IntColumn;
  readonly #earlierHitAge: IntColumn;
  readonly #explorer: IntColumn;
  readonly #hits = new Float64Array(CLASSES * AGES);
  readonly #evictions = new Float64Array(CLASSES * AGES);
  readonly #density = new Float64Array(CLASSES * AGES);
  readonly #admitted = new Int32Array(RECENT_ADMISSIONS).fill(NO_OBJECT);
  #admittedCount = 0;
  #explorerBudget: number;
  #victimDensity = 0;
  #now = 0;
  #ageStep = 1;

  constructor(limits: PolicyLimits) {
    const { objects } = limits;
    this.#random = new SeededRandom(limits.seed);
    this.#resident = new ObjectSet(objects);
    this.#bytes = new FloatColumn(objects);
    this.#usedAt = new IntColumn(objects);
    this.#lastHitAge = new IntColumn(objects);
    this.#earlierHitAge = new IntColumn(objects);
    this.#explorer = new IntColumn(objects);
    this.#explorerBudget = limits.capacityBytes * EXPLORER_SHARE;
    for (let cell = 0; cell < this.#density.length; cell += 1) {
      this.#density[cell] = (Math.floor(cell / AGES) + 1) / ((cell % AGES) + 1);
    }
  }

  access(access: Access, hit: boolean): void {
    this.#now += 1;
    if (hit) this.#recordHit(access.object);
    if (this.#now % REFIT_EVERY === 0) this.#refit();
  }

  admit(): boolean {
    return true;
  }

  victim(evictable: Evictable): number {
    let victim = NO_OBJECT;
    let lowest = Number.POSITIVE_INFINITY;
    const consider = (object: number): void => {
      if (object === NO_OBJECT || !this.#resident.has(object) || this.#explorer.get(object) === 1) return;
      const density = this.#densityOf(object);
      if (density < lowest && evictable(object)) {
        lowest = density;
        victim = object;
      }
    };
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      consider(this.#resident.at(this.#random.integer(this.#resident.length)));
    }
    for (const object of this.#admitted) consider(object);
    if (victim === NO_OBJECT) return this.#anyEvictable(evictable);
    this.#victimDensity = DECAY * this.#victimDensity + (1 - DECAY) * lowest;
    return victim;
  }

  entered(access: Access): void {
    const { object } = access;
    this.#resident.add(object);
    this.#bytes.set(object, access.bytes);
    this.#lastHitAge.set(object, 0);
    this.#earlierHitAge.set(object, AGES);
    this.#touch(object);
    if (this.#explorer.get(object) === 0 && this.#densityOf(object) < this.#victimDensity) {
      this.#admitted[this.#admittedCount % RECENT_ADMISSIONS] = object;
      this.#admittedCount += 1;
    }
  }

  left(object: number, evicted: boolean): void {
    if (evicted) this.#addTo(this.#evictions, this.#cellOf(object));
    this.#releaseExplorer(object);
    this.#resident.remove(object);
  }

  #recordHit(object: number): void {
    this.#addTo(this.#hits, this.#cellOf(object));
    this.#releaseExplorer(object);
    this.#earlierHitAge.set(object, this.#lastHitAge.get(object));
    this.#lastHitAge.set(object, this.#ageOf(object));
    this.#touch(object);
  }

  #touch(object: number): void {
    this.#usedAt.set(object, this.#now);
    if (this.#random.integer(EXPLORE_ONE_IN) !== 0 || this.#explorerBudget <= 0) return;
    this.#explorer.set(object, 1);
    this.#explorerBudget -= this.#bytes.get(object);
  }

  #releaseExplorer(object: number): void {
    if (this.#explorer.get(object) === 0) return;
    this.#explorer.set(object, 0);
    this.#explorerBudget += this.#bytes.get(object);
  }

  #anyEvictable(evictable: Evictable): number {
    for (let position = 0; position < this.#resident.length; position += 1) {
      const object = this.#resident.at(position);
      if (evictable(object)) return object;
    }
    return NO_OBJECT;
  }

  #ageOf(object: number): number {
    return Math.min(AGES - 1, Math.floor((this.#now - this.#usedAt.get(object)) / this.#ageStep));
  }

  #cellOf(object: number): number {
    const hitAges = this.#lastHitAge.get(object) + this.#earlierHitAge.get(object);
    // log2 of how far the sum lies below the oldest age: recently and often hit objects are in the highest classes.
    const level = hitAges <= 0 ? CLASSES - 1 : Math.floor(Math.log2(Math.max(1, AGES / hitAges)));
    return Math.min(CLASSES - 1, level) * AGES + this.#ageOf(object);
  }

  #densityOf(object: number): number {
    return (this.#density[this.#cellOf(object)] ?? 0) / this.#bytes.get(object);
  }

  #addTo(histogram: Float64Array, cell: number): void {
    histogram[cell] = (histogram[cell] ?? 0) + 1;
  }

  /** Density at age a = hits still to come ÷ cache time still to be spent, both summed over the later ages. */
  #refit(): void {
    this.#coarsen();
    for (let base = 0; base < this.#density.length; base += AGES) {
      let hits = 0;
      let events = 0;
      let lifetime = 0;
      for (let cell = base + AGES - 1; cell >= base; cell -= 1) {
        hits += this.#hits[cell] ?? 0;
        events += (this.#hits[cell] ?? 0) + (this.#evictions[cell] ?? 0);
        lifetime += events;
        this.#density[cell] = events > 1e-5 ? hits / lifetime : 0;
        this.#hits[cell] = (this.#hits[cell] ?? 0) * DECAY;
        this.#evictions[cell] = (this.#evictions[cell] ?? 0) * DECAY;
      }
    }
  }

  /** Once, at the first refit: the age step follows the number of resident objects. What was learned before starts anew. */
  #coarsen(): void {
    if (this.#now !== REFIT_EVERY) return;
    const step = 2 ** Math.max(0, Math.ceil(Math.log2(this.#resident.length / (COARSENING * AGES))));
    if (step === this.#ageStep) return;
    this.#ageStep = step;
    this.#hits.fill(0);
    this.#evictions.fill(0);
  }
}
