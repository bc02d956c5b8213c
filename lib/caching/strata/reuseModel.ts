import { FloatColumn, IntColumn } from '../structures/columns.ts';
import { SeededRandom } from '../structures/seededRandom.ts';
import { BoostedTrees, type FitOptions, shareOf, type TrainingSet, type TreesState } from './boostedTrees.ts';
import { FEATURES, type ObjectHistory } from './objectHistory.ts';

/**
 * The model estimates E[horizon ÷ (horizon + d)], d being the accesses until the next use. Eviction ranks by the odds of that. The
 * kernel falls like 1/d, the value of a hit per unit of the time that its bytes are held: it tells soon from later over all scales
 * at once, where an exponential sees no difference beyond its horizon.
 */
export const SHORTEST_HORIZON = 16;
/** A sample is learned from when so many horizons have passed, used or not: before that only those used soon would have a label. */
const SETTLED_AFTER = 2;
/** What has waited for its next use is expected to wait so many times as long in all: gaps between uses have a heavy tail. */
const WAIT_STRETCH = 3;
/** The ring of samples spans so many horizons, so that most of what it holds is settled. */
const SPAN = 40;
/** Log odds beyond these are no better known than at them. */
const LEAST_LOG_ODDS = -9.2;
const MOST_LOG_ODDS = 3.5;
const FIRST_FIT = 400;
/** From one fit to the next: half as many accesses again as there were so far, within these limits. */
const REFIT_AFTER = { least: 400, most: 3_000 };
/** An estimate is kept until the age of the object has grown by this share: the bins of ages are coarser. */
const KEEP_FOR = 1 / 8;
/** Corrections to the prior are learned slowly, for it was learned from far more; a model from scratch has to be quick. */
const CORRECTION: FitOptions = { trees: 20, depth: 4, learningRate: 0.02, minRowsPerLeaf: 20 };
const FROM_SCRATCH: FitOptions = { trees: 20, depth: 4, learningRate: 0.15, minRowsPerLeaf: 20 };
/** Rows that one fit sees, drawn anew from all samples: fits that differ err differently, and their mean errs less (bagging). */
const ROWS_PER_FIT = 5_000;
/** So many of the latest fits are averaged. */
const FITS = 2;
/** What an old fit's errors weigh beside those of the latest one, when the two ways are compared. */
const ERROR_MEMORY = 0.8;
const NO_SAMPLE = -1;
const PENDING = -1;

/**
 * Learns how soon an object is used again from moments of the recent past. A moment is sampled with the features of then;
 * its label is known at the object's next use, and guessed from the wait so far after `SETTLED_AFTER` horizons. Every 400 to 3,000 accesses new trees are
 * fitted twice, from scratch and to what a prior model leaves unexplained. Of each kind the mean of the latest fits predicts;
 * whichever kind predicted the samples since the last fit better is used. Fitting is the only cost that is not constant per access.
 */
export class ReuseModel {
  readonly #history: ObjectHistory;
  readonly #prior: BoostedTrees | undefined;
  readonly #samples: number;
  readonly #bins: Uint8Array;
  readonly #takenAt: IntColumn;
  readonly #distance: IntColumn;
  readonly #ofObject: IntColumn;
  /** Samples of one object that wait for its next use, as a list through the ring. */
  readonly #nextPending: IntColumn;
  readonly #firstPending: IntColumn;
  readonly #odds: FloatColumn;
  readonly #oddsUntil: IntColumn;
  readonly #row = new Uint8Array(FEATURES);
  readonly #random = new SeededRandom(1);
  #taken = 0;
  /** The two ways to predict, and the squared errors of each on samples that came after its fit. */
  #corrected: Predictor | undefined;
  #scratch: Predictor | undefined;
  #errors = { corrected: 0, scratch: 0 };
  #fittedAt = 0;
  #nextFit = FIRST_FIT;
  #horizon = SHORTEST_HORIZON;

  constructor(history: ObjectHistory, options: { objects: number; samples: number; prior?: TreesState }) {
    const { objects, samples, prior } = options;
    this.#history = history;
    this.#prior = prior === undefined ? undefined : BoostedTrees.fromState(prior);
    if (this.#prior !== undefined) this.#corrected = { prior: this.#prior, fits: [] };
    this.#samples = samples;
    this.#bins = new Uint8Array(samples * FEATURES);
    this.#takenAt = new IntColumn(samples);
    this.#distance = new IntColumn(samples);
    this.#ofObject = new IntColumn(samples, NO_SAMPLE);
    this.#nextPending = new IntColumn(samples);
    this.#firstPending = new IntColumn(objects, NO_SAMPLE);
    this.#odds = new FloatColumn(objects);
    this.#oddsUntil = new IntColumn(objects);
  }

  /**
   * Accesses between two samples of one kind; the caller takes one of the accessed object and one of a resident each time.
   */
  get sampleEvery(): number {
    return Math.max(1, Math.floor((2 * SPAN * this.#horizon) / this.#samples));
  }

  /** Starts to learn for another horizon. The prior knows only the shortest. */
  lookAhead(horizon: number): void {
    if (horizon === this.#horizon) return;
    this.#horizon = horizon;
    const prior = horizon === SHORTEST_HORIZON ? this.#prior : undefined;
    this.#corrected = prior && { prior, fits: [] };
    this.#scratch = undefined;
    this.#errors = { corrected: 0, scratch: 0 };
    this.#nextFit = this.#history.now + FIRST_FIT;
  }

  /** Whether `odds` means anything yet. */
  get ready(): boolean {
    return this.#corrected !== undefined || this.#scratch !== undefined;
  }

  /** Call once per access, before the access enters the history: labels what was waiting for this object. */
  used(object: number): void {
    const now = this.#history.now + 1;
    let sample = this.#firstPending.get(object);
    while (sample !== NO_SAMPLE && this.#ofObject.get(sample) === object && this.#distance.get(sample) === PENDING) {
      this.#distance.set(sample, now - this.#takenAt.get(sample));
      sample = this.#nextPending.get(sample);
    }
    this.#firstPending.set(object, NO_SAMPLE);
    this.#oddsUntil.set(object, 0);
  }

  /** What was sampled of the object that had this number goes on waiting for a use that never comes. */
  forget(object: number): void {
    this.#firstPending.set(object, NO_SAMPLE);
    this.#oddsUntil.set(object, 0);
  }

  /** Remembers the present moment of an object, to learn from it later. */
  sample(object: number): void {
    const slot = this.#taken % this.#samples;
    this.#taken += 1;
    this.#history.describe(object, this.#bins, slot * FEATURES);
    this.#takenAt.set(slot, this.#history.now);
    this.#distance.set(slot, PENDING);
    this.#ofObject.set(slot, object);
    this.#nextPending.set(slot, this.#firstPending.get(object));
    this.#firstPending.set(object, slot);
  }

  /** Call once per access, after it entered the history. */
  refitIfDue(): void {
    const { now } = this.#history;
    if (now < this.#nextFit) return;
    this.#nextFit = now + Math.min(REFIT_AFTER.most, Math.max(REFIT_AFTER.least, Math.floor(now / 2)));
    this.#validate(this.trainingSet(this.#fittedAt));
    const set = drawn(this.trainingSet(), ROWS_PER_FIT, this.#random);
    if (set.rows < FIRST_FIT / 2) return;
    this.#fittedAt = now;
    this.#scratch = { fits: latest(BoostedTrees.fit(set, FROM_SCRATCH), this.#scratch) };
    const prior = this.#corrected?.prior;
    if (prior === undefined) return;
    const start = Float64Array.from({ length: set.rows }, (_, row) => prior.predict(set.bins, row * FEATURES));
    this.#corrected = { prior, fits: latest(BoostedTrees.fit({ ...set, start }, CORRECTION), this.#corrected) };
  }

  /** E[horizon ÷ (horizon + d)] at this moment. Asking changes nothing, so that explaining leaves the next decisions as they are. */
  estimate(object: number): number {
    return shareOf(this.#logOdds(object));
  }

  /** p ÷ (1 − p) for p = `estimate`, which is kept for a while. */
  odds(object: number): number {
    const { now } = this.#history;
    if (this.#oddsUntil.get(object) > now) return this.#odds.get(object);
    const odds = Math.exp(this.#logOdds(object));
    this.#odds.set(object, odds);
    this.#oddsUntil.set(object, now + 1 + Math.floor(KEEP_FOR * this.#history.ageOf(object)));
    return odds;
  }

  /** The settled samples taken since `from`, in no particular order. */
  trainingSet(from = 0): TrainingSet {
    const { now } = this.#history;
    const known = Math.min(this.#taken, this.#samples);
    const bins = new Uint8Array(known * FEATURES);
    const target = new Float64Array(known);
    let rows = 0;
    for (let slot = 0; slot < known; slot += 1) {
      const takenAt = this.#takenAt.get(slot);
      const distance = this.#distance.get(slot);
      const age = now - takenAt;
      if (takenAt < from || age < SETTLED_AFTER * this.#horizon) continue;
      bins.set(this.#bins.subarray(slot * FEATURES, (slot + 1) * FEATURES), rows * FEATURES);
      target[rows] = this.#horizon / (this.#horizon + (distance === PENDING ? WAIT_STRETCH * age : distance));
      rows += 1;
    }
    return { rows, features: FEATURES, bins, target: target.subarray(0, rows) };
  }

  #logOdds(object: number): number {
    this.#history.describe(object, this.#row, 0);
    return Math.min(MOST_LOG_ODDS, Math.max(LEAST_LOG_ODDS, logOddsBy(this.#better(), this.#row, 0)));
  }

  #better(): Predictor {
    const { corrected, scratch } = this.#errors;
    const first = scratch < corrected ? this.#scratch : this.#corrected;
    return first ?? this.#scratch ?? { fits: [] };
  }

  #validate(fresh: TrainingSet): void {
    if (this.#corrected === undefined || this.#scratch === undefined) return;
    const { corrected, scratch } = this.#errors;
    this.#errors = {
      corrected: ERROR_MEMORY * corrected + squaredError(this.#corrected, fresh),
      scratch: ERROR_MEMORY * scratch + squaredError(this.#scratch, fresh),
    };
  }
}

/** The prior, if there is one, and the mean of the fits. */
interface Predictor {
  readonly prior?: BoostedTrees;
  readonly fits: readonly BoostedTrees[];
}

function logOddsBy({ prior, fits }: Predictor, bins: Uint8Array, offset: number): number {
  let sum = 0;
  for (const trees of fits) sum += trees.predict(bins, offset);
  return (prior?.predict(bins, offset) ?? 0) + sum / Math.max(1, fits.length);
}

function latest(fit: BoostedTrees, before: Predictor | undefined): readonly BoostedTrees[] {
  return [fit, ...(before?.fits ?? [])].slice(0, FITS);
}

/** At most so many rows, drawn with replacement where there are more. */
function drawn(set: TrainingSet, rows: number, random: SeededRandom): TrainingSet {
  if (set.rows <= rows) return set;
  const bins = new Uint8Array(rows * FEATURES);
  const target = new Float64Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const from = random.integer(set.rows);
    bins.set(set.bins.subarray(from * FEATURES, (from + 1) * FEATURES), row * FEATURES);
    target[row] = set.target[from] ?? 0;
  }
  return { rows, features: FEATURES, bins, target };
}

function squaredError(predictor: Predictor, set: TrainingSet): number {
  let sum = 0;
  for (let row = 0; row < set.rows; row += 1)
    sum += (shareOf(logOddsBy(predictor, set.bins, row * FEATURES)) - (set.target[row] ?? 0)) ** 2;
  return sum;
}
