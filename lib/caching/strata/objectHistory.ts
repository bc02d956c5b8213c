import { type Access, NO_GROUP, NO_OBJECT } from '../policy.ts';
import { FloatColumn, IntColumn } from '../structures/columns.ts';
import { BINS } from './boostedTrees.ts';

/** Accesses after which a decayed count has halved. */
const HALF_LIVES = [8, 32, 128, 512, 2_048];
const FIRST_COUNT = 4;
const AFTER_COUNTS = FIRST_COUNT + HALF_LIVES.length;
/** Bins of one row: age, three gaps, decayed counts, and seven more (see `describe`). */
export const FEATURES = AFTER_COUNTS + 7;
/** Where in a row the bins stand that come from context: an ablation blanks them. */
export const CONTEXT_FEATURES = { coUse: [AFTER_COUNTS + 3, AFTER_COUNTS + 4], group: [AFTER_COUNTS + 6] } as const;

const NEVER = 2 ** 30;
/** How many accesses before an access count as its company, weighted 1, 1/2, 1/3 … */
const COMPANY = 6;
/** How many of the latest accesses vote on what comes next. */
const VOTERS = 4;
const VOTER_DECAY = 0.7;
/** Slots of the co-use table; pairs that share one add up, which only blurs. */
const PAIR_SLOTS = 2 ** 17;
const GROUP_SLOTS = 2 ** 12;
/** A re-access this many accesses later counts e⁻¹ in the habit of an object. */
const HABIT_HORIZON = 16;
const HABIT_MEMORY = 0.8;
const UNKNOWN_HABIT = 0.3;

/**
 * What is remembered of each object, resident or not: it survives eviction, which is what makes bypass safe. Time is the
 * count of accesses. 88 bytes per object, for at most twice as many as there have been and never for more than there can be, plus
 * 1.1 MB of tables.
 */
export class ObjectHistory {
  readonly #lastUse: IntColumn;
  readonly #firstUse: IntColumn;
  readonly #uses: IntColumn;
  readonly #bytes: FloatColumn;
  readonly #gaps: readonly IntColumn[];
  readonly #counts: readonly FloatColumn[];
  readonly #habit: FloatColumn;
  readonly #companion: IntColumn;
  readonly #group: IntColumn;
  readonly #pairs = new Float32Array(PAIR_SLOTS);
  readonly #groupUse = new Int32Array(GROUP_SLOTS);
  readonly #recent = new Int32Array(COMPANY).fill(NO_OBJECT);
  readonly #blank: readonly number[];
  #now = 0;

  /** `blank`: positions in a row of bins that are left at zero, to measure what they bring. */
  constructor(objects: number, blank: readonly number[] = []) {
    this.#blank = blank;
    this.#lastUse = new IntColumn(objects, -NEVER);
    this.#firstUse = new IntColumn(objects);
    this.#uses = new IntColumn(objects);
    this.#bytes = new FloatColumn(objects);
    this.#gaps = [0, 1, 2].map(() => new IntColumn(objects, NEVER));
    this.#counts = HALF_LIVES.map(() => new FloatColumn(objects));
    this.#habit = new FloatColumn(objects, UNKNOWN_HABIT);
    this.#companion = new IntColumn(objects, NO_OBJECT);
    this.#group = new IntColumn(objects, NO_GROUP);
  }

  get now(): number {
    return this.#now;
  }

  ageOf(object: number): number {
    return this.#now - this.#lastUse.get(object);
  }

  usesOf(object: number): number {
    return this.#uses.get(object);
  }

  bytesOf(object: number): number {
    return this.#bytes.get(object);
  }

  record(access: Access): void {
    const { object } = access;
    this.#now += 1;
    const gap = this.ageOf(object);
    if (this.#uses.increment(object) === 1) {
      this.#firstUse.set(object, this.#now);
    } else {
      const [latest, second, third] = this.#gaps;
      third?.set(object, second?.get(object) ?? NEVER);
      second?.set(object, latest?.get(object) ?? NEVER);
      latest?.set(object, gap);
      const met = Math.exp(-gap / HABIT_HORIZON);
      this.#habit.set(object, HABIT_MEMORY * this.#habit.get(object) + (1 - HABIT_MEMORY) * met);
    }
    for (const [index, halfLife] of HALF_LIVES.entries()) {
      const count = this.#counts[index];
      count?.set(object, 1 + count.get(object) * 2 ** (-gap / halfLife));
    }
    this.#lastUse.set(object, this.#now);
    this.#bytes.set(object, access.bytes);
    this.#recordCompany(access);
  }

  /** All but its share of the co-use table, which is blurred anyway. */
  forget(object: number): void {
    this.#lastUse.set(object, -NEVER);
    this.#firstUse.set(object, 0);
    this.#uses.set(object, 0);
    this.#bytes.set(object, 0);
    for (const gap of this.#gaps) gap.set(object, NEVER);
    for (const count of this.#counts) count.set(object, 0);
    this.#habit.set(object, UNKNOWN_HABIT);
    this.#companion.set(object, NO_OBJECT);
    this.#group.set(object, NO_GROUP);
  }

  /** Writes the object's row of bins for the present moment. */
  describe(object: number, into: Uint8Array, offset: number): void {
    const age = this.ageOf(object);
    into[offset] = spanBin(age);
    for (let gap = 0; gap < 3; gap += 1) into[offset + 1 + gap] = spanBin(this.#gaps[gap]?.get(object) ?? NEVER);
    for (const [index, halfLife] of HALF_LIVES.entries()) {
      const count = (this.#counts[index]?.get(object) ?? 0) * 2 ** (-age / halfLife);
      into[offset + FIRST_COUNT + index] = clampBin(16 + 3 * Math.log2(count + 1e-9));
    }
    const rest = offset + AFTER_COUNTS;
    into[rest] = spanBin(this.#uses.get(object));
    into[rest + 1] = clampBin(1.45 * (Math.log2(this.#bytes.get(object)) - 12));
    into[rest + 2] = spanBin(this.#now - this.#firstUse.get(object));
    const companion = this.#companion.get(object);
    into[rest + 3] = companion === NO_OBJECT ? BINS - 1 : spanBin(this.ageOf(companion));
    into[rest + 4] = clampBin(24 + 3 * Math.log2(this.#calledFor(object) + 1e-6));
    into[rest + 5] = clampBin((BINS - 1) * this.#habit.get(object));
    const group = this.#group.get(object);
    into[rest + 6] = group === NO_GROUP ? BINS - 1 : spanBin(this.#now - (this.#groupUse[group % GROUP_SLOTS] ?? 0));
    for (const feature of this.#blank) into[offset + feature] = 0;
  }

  #recordCompany(access: Access): void {
    const { object, group } = access;
    this.#companion.set(object, this.#recent[0] ?? NO_OBJECT);
    for (let back = 0; back < COMPANY; back += 1) {
      const earlier = this.#recent[back] ?? NO_OBJECT;
      if (earlier === NO_OBJECT) break;
      const slot = pairSlot(earlier, object);
      this.#pairs[slot] = (this.#pairs[slot] ?? 0) + 1 / (back + 1);
    }
    this.#recent.copyWithin(1, 0);
    this.#recent[0] = object;
    if (group === NO_GROUP) return;
    this.#group.set(object, group);
    this.#groupUse[group % GROUP_SLOTS] = this.#now;
  }

  /** How often the object used to follow what was accessed last. */
  #calledFor(object: number): number {
    let votes = 0;
    let weight = 1;
    for (let back = 0; back < VOTERS; back += 1) {
      const voter = this.#recent[back] ?? NO_OBJECT;
      if (voter === NO_OBJECT) break;
      votes += (weight * (this.#pairs[pairSlot(voter, object)] ?? 0)) / (this.#uses.get(voter) + 2);
      weight *= VOTER_DECAY;
    }
    return votes;
  }
}

function pairSlot(earlier: number, later: number): number {
  const hash = Math.imul(earlier + 1, 0x9e3779b1) ^ Math.imul(later + 1, 0x85ebca6b);
  return (hash ^ (hash >>> 15)) & (PAIR_SLOTS - 1);
}

/** Two bins per doubling. */
function spanBin(span: number): number {
  return clampBin(2 * Math.log2(1 + span));
}

function clampBin(value: number): number {
  return value >= BINS - 1 ? BINS - 1 : value > 0 ? Math.floor(value) : 0;
}
