import { type Access, type CachePolicy, type Evictable, NO_OBJECT, type PolicyLimits } from '../policy.ts';
import { FloatColumn } from '../structures/columns.ts';
import { ObjectSet } from '../structures/objectSet.ts';
import { SeededRandom } from '../structures/seededRandom.ts';
import { cheapestRoom } from './cheapestRoom.ts';

/** How much use of an object is to be expected, per unit of time, in any unit: only ratios count. */
export type ExpectedUse = (object: number) => number;

export interface ValueOptions {
  readonly name: string;
  readonly expectedUse: ExpectedUse;
}

/** Up to so many residents each is weighed, above that as many are drawn. */
const CANDIDATES = 128;

/**
 * Weighs objects by value = expected use × cost of a miss, and keeps what is worth most per byte. What has to leave for a
 * newcomer is chosen when it asks to enter, as cheaply as possible. The newcomer is refused if that costs more than it is worth.
 */
export class ValuePolicy implements CachePolicy {
  readonly name: string;
  readonly #expectedUse: ExpectedUse;
  readonly #random: SeededRandom;
  readonly #resident: ObjectSet;
  readonly #bytes: FloatColumn;
  readonly #missCost: FloatColumn;
  readonly #value: FloatColumn;
  #leaving: number[] = [];

  constructor(limits: PolicyLimits, options: ValueOptions) {
    this.name = options.name;
    this.#expectedUse = options.expectedUse;
    this.#random = new SeededRandom(limits.seed);
    this.#resident = new ObjectSet(limits.objects);
    this.#bytes = new FloatColumn(limits.objects);
    this.#missCost = new FloatColumn(limits.objects);
    this.#value = new FloatColumn(limits.objects);
  }

  get residents(): number {
    return this.#resident.length;
  }

  /** A resident object drawn at random, or `NO_OBJECT`. */
  draw(): number {
    return this.#resident.length === 0 ? NO_OBJECT : this.#resident.at(this.#random.integer(this.#resident.length));
  }

  access(access: Access): void {
    this.#missCost.set(access.object, access.missCost);
  }

  admit(access: Access, bytesToFree: number, evictable: Evictable): boolean {
    this.#leaving = [];
    if (bytesToFree <= 0) return true;
    const room = this.#choose(bytesToFree, evictable);
    const worth = this.#expectedUse(access.object) * access.missCost;
    if (room === undefined || worth < room.price) return false;
    this.#leaving = room.leaving;
    return true;
  }

  victim(evictable: Evictable): number {
    const chosen = this.#leaving.pop();
    if (chosen !== undefined && this.#resident.has(chosen) && evictable(chosen)) return chosen;
    return this.#choose(1, evictable)?.leaving[0] ?? NO_OBJECT;
  }

  entered(access: Access): void {
    this.#bytes.set(access.object, access.bytes);
    this.#resident.add(access.object);
  }

  left(object: number): void {
    this.#resident.remove(object);
  }

  #choose(bytesToFree: number, evictable: Evictable): { leaving: number[]; price: number } | undefined {
    const ranked = this.#weigh(evictable);
    const bytes = ranked.map((object) => this.#bytes.get(object));
    const value = ranked.map((object) => this.#value.get(object));
    const room = cheapestRoom({ bytes, value }, bytesToFree);
    return room && { leaving: room.leaving.map((position) => ranked[position] ?? NO_OBJECT), price: room.price };
  }

  /** Candidates by rising value per byte. */
  #weigh(evictable: Evictable): number[] {
    const candidates: number[] = [];
    const all = this.#resident.length <= CANDIDATES;
    const draws = Math.min(this.#resident.length, CANDIDATES);
    for (let draw = 0; draw < draws; draw += 1) {
      const object = this.#resident.at(all ? draw : this.#random.integer(this.#resident.length));
      if (!evictable(object) || (!all && candidates.includes(object))) continue;
      this.#value.set(object, this.#expectedUse(object) * this.#missCost.get(object));
      candidates.push(object);
    }
    const density = (object: number): number => this.#value.get(object) / this.#bytes.get(object);
    return candidates.sort((a, b) => density(a) - density(b));
  }
}
